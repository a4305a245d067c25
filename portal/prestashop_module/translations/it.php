<?php
/**
 * PrestaShop looks a text up by the MD5 of its English original.
 *
 * @license MIT
 */

if (!defined('_PS_VERSION_')) {
    exit;
}

global $_MODULE;
$_MODULE = [];
$_MODULE['<{odooconnector}prestashop>odooconnector_acaf1650b360c32a11aae93dca8acacd'] = 'Odoo Connector';
$_MODULE['<{odooconnector}prestashop>odooconnector_97a9ca598e51727b84391b406a320772'] = 'Comunica subito al portale Odoo Connector che cosa è cambiato nel negozio.';
$_MODULE['<{odooconnector}prestashop>odooconnector_6122b9cf511af7c9ca34a2d2dddd4d18'] = 'Le modifiche non ancora inviate verranno dimenticate qui. Continuare?';
$_MODULE['<{odooconnector}prestashop>odooconnector_c2cc7082a89c1ad6631a2f66af5f00c0'] = 'Connessione';
$_MODULE['<{odooconnector}prestashop>odooconnector_2ec0d16e4ca169baedb9b2d50ec5c6d7'] = 'Connesso';
$_MODULE['<{odooconnector}prestashop>odooconnector_7b277018e43d41bc445731092b91547d'] = 'Non connesso';
$_MODULE['<{odooconnector}prestashop>odooconnector_afd2904d4311549d440699c8f2b04ee2'] = 'In attesa prima del prossimo tentativo';
$_MODULE['<{odooconnector}prestashop>odooconnector_d5ca75de044268f54166ea091f612047'] = 'Ultima conferma del portale';
$_MODULE['<{odooconnector}prestashop>odooconnector_c7561db7a418dd39b2201dfe110ab4a4'] = 'mai';
$_MODULE['<{odooconnector}prestashop>odooconnector_81d73ff64908e5c9587ee9dde1aa0211'] = 'Modifiche in attesa';
$_MODULE['<{odooconnector}prestashop>odooconnector_6c3d05ef4b68cce86c4da5db9b339dd8'] = 'La più vecchia attende dal';
$_MODULE['<{odooconnector}prestashop>odooconnector_92de805ae582ce6049f832471539737c'] = 'Ultimo errore';
$_MODULE['<{odooconnector}prestashop>odooconnector_334c4a4c42fdb79d7ebc3e73b517e6f8'] = 'nessuno';
$_MODULE['<{odooconnector}prestashop>odooconnector_8df4598bcedaafecefc77ac51e978663'] = 'Alcune modifiche sono state scartate; al portale si chiede di rileggere tutto.';
$_MODULE['<{odooconnector}prestashop>odooconnector_0cbc6611f5540bd0809a388dc95a615b'] = 'Prova';
$_MODULE['<{odooconnector}prestashop>odooconnector_9f12e1bfb98bb9e5b05b12f758333056'] = 'Invia ora';
$_MODULE['<{odooconnector}prestashop>odooconnector_c18f10c0e82602b5a1f2f4d6826ae95f'] = 'Apri il portale';
$_MODULE['<{odooconnector}prestashop>odooconnector_f4f70727dc34561dfde1a3c529b6205c'] = 'Impostazioni';
$_MODULE['<{odooconnector}prestashop>odooconnector_8854e93794c77782f1f77b415d2a6e8d'] = 'Indirizzo del portale';
$_MODULE['<{odooconnector}prestashop>odooconnector_b507a6adf2907ec0ce627ddfa520bb66'] = 'Chiave del negozio';
$_MODULE['<{odooconnector}prestashop>odooconnector_6ba5ab09fb8f1e50e1cd8cd8a5211a40'] = 'Segreto di firma';
$_MODULE['<{odooconnector}prestashop>odooconnector_f2e075d02c5cb45a6a3fd452b7a0d09e'] = 'Lasciare vuoto per mantenere quello attuale.';
$_MODULE['<{odooconnector}prestashop>odooconnector_c9cc8cce247e49bae79f15173ce97354'] = 'Salva';
$_MODULE['<{odooconnector}prestashop>odooconnector_909d1f548546645b04219f2805f28371'] = 'Indirizzo cron';
$_MODULE['<{odooconnector}prestashop>odooconnector_92a39cd384f9fabc7fa1bc817c8f9ad4'] = 'Richiamarlo ogni minuto, se il vostro hosting offre processi cron. Invia ciò che attende.';
$_MODULE['<{odooconnector}prestashop>odooconnector_cdce793651918bc16e5afa28d120af94'] = 'Si inviano solo gli identificativi delle schede modificate, mai dati personali. Qui non si conserva alcun accesso a Odoo.';
$_MODULE['<{odooconnector}prestashop>odooconnector_9a7e58ee13cb727cb7c4acc68f4cafe5'] = 'Impostazioni salvate.';
$_MODULE['<{odooconnector}prestashop>odooconnector_52014e278559fee27de8bb6ef5c4f6ed'] = 'Indirizzo del portale: inserirlo come https://portal.example.com.';
$_MODULE['<{odooconnector}prestashop>odooconnector_4aadeaeb3fe19cf733bf93f61b8d65e3'] = 'Il portale risponde e accetta la firma.';
$_MODULE['<{odooconnector}prestashop>odooconnector_271340208506d6d3e06b3736bc573d41'] = 'Inviate: %d. Ancora in attesa: %d.';
$_MODULE['<{odooconnector}prestashop>odooconnector_ef6d96d8b36cca7cda16152944b12964'] = 'Non ancora connesso: inserire l’indirizzo del portale.';
$_MODULE['<{odooconnector}prestashop>odooconnector_d3441a91dba16851ce00572d3c344b60'] = 'Il portale non risponde. Si riproverà automaticamente.';
$_MODULE['<{odooconnector}prestashop>odooconnector_86bf8ebfdc247e6a87c44119b942aa6c'] = 'A questo indirizzo risponde qualcosa di diverso dal portale. Controllare l’indirizzo.';
$_MODULE['<{odooconnector}prestashop>odooconnector_7021a6eb06016ac8b4770e474c75adee'] = 'Il portale rifiuta la firma. Scaricare di nuovo il modulo dal portale e caricarlo qui.';
$_MODULE['<{odooconnector}prestashop>odooconnector_454c31291b842d43b5854ec053455dc4'] = 'L’indirizzo del portale porta altrove. Inserire l’indirizzo finale, con https.';
$_MODULE['<{odooconnector}prestashop>odooconnector_6ec9340083b86f0facfc2205bdf081ae'] = 'Il portale non ha potuto accettare questo messaggio. Aggiornare il portale o il modulo.';
$_MODULE['<{odooconnector}prestashop>odooconnector_2147bd912853fade78ed7f0d0bd7e3fa'] = 'Il portale ha un problema. Si riproverà automaticamente.';
