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
$_MODULE['<{odooconnector}prestashop>odooconnector_97a9ca598e51727b84391b406a320772'] = 'Signale aussitôt au portail Odoo Connector ce qui a changé dans la boutique.';
$_MODULE['<{odooconnector}prestashop>odooconnector_6122b9cf511af7c9ca34a2d2dddd4d18'] = 'Les modifications non encore envoyées seront oubliées ici. Continuer ?';
$_MODULE['<{odooconnector}prestashop>odooconnector_c2cc7082a89c1ad6631a2f66af5f00c0'] = 'Connexion';
$_MODULE['<{odooconnector}prestashop>odooconnector_2ec0d16e4ca169baedb9b2d50ec5c6d7'] = 'Connecté';
$_MODULE['<{odooconnector}prestashop>odooconnector_7b277018e43d41bc445731092b91547d'] = 'Non connecté';
$_MODULE['<{odooconnector}prestashop>odooconnector_afd2904d4311549d440699c8f2b04ee2'] = 'En attente avant le prochain essai';
$_MODULE['<{odooconnector}prestashop>odooconnector_d5ca75de044268f54166ea091f612047'] = 'Dernière confirmation du portail';
$_MODULE['<{odooconnector}prestashop>odooconnector_c7561db7a418dd39b2201dfe110ab4a4'] = 'jamais';
$_MODULE['<{odooconnector}prestashop>odooconnector_81d73ff64908e5c9587ee9dde1aa0211'] = 'Modifications en attente';
$_MODULE['<{odooconnector}prestashop>odooconnector_6c3d05ef4b68cce86c4da5db9b339dd8'] = 'La plus ancienne attend depuis';
$_MODULE['<{odooconnector}prestashop>odooconnector_92de805ae582ce6049f832471539737c'] = 'Dernière erreur';
$_MODULE['<{odooconnector}prestashop>odooconnector_334c4a4c42fdb79d7ebc3e73b517e6f8'] = 'aucune';
$_MODULE['<{odooconnector}prestashop>odooconnector_8df4598bcedaafecefc77ac51e978663'] = 'Des modifications ont été abandonnées ; le portail est prié de tout relire.';
$_MODULE['<{odooconnector}prestashop>odooconnector_0cbc6611f5540bd0809a388dc95a615b'] = 'Tester';
$_MODULE['<{odooconnector}prestashop>odooconnector_9f12e1bfb98bb9e5b05b12f758333056'] = 'Envoyer maintenant';
$_MODULE['<{odooconnector}prestashop>odooconnector_c18f10c0e82602b5a1f2f4d6826ae95f'] = 'Ouvrir le portail';
$_MODULE['<{odooconnector}prestashop>odooconnector_f4f70727dc34561dfde1a3c529b6205c'] = 'Réglages';
$_MODULE['<{odooconnector}prestashop>odooconnector_8854e93794c77782f1f77b415d2a6e8d'] = 'Adresse du portail';
$_MODULE['<{odooconnector}prestashop>odooconnector_b507a6adf2907ec0ce627ddfa520bb66'] = 'Clé de la boutique';
$_MODULE['<{odooconnector}prestashop>odooconnector_6ba5ab09fb8f1e50e1cd8cd8a5211a40'] = 'Secret de signature';
$_MODULE['<{odooconnector}prestashop>odooconnector_f2e075d02c5cb45a6a3fd452b7a0d09e'] = 'Laisser vide pour garder l’actuel.';
$_MODULE['<{odooconnector}prestashop>odooconnector_c9cc8cce247e49bae79f15173ce97354'] = 'Enregistrer';
$_MODULE['<{odooconnector}prestashop>odooconnector_909d1f548546645b04219f2805f28371'] = 'Adresse cron';
$_MODULE['<{odooconnector}prestashop>odooconnector_92a39cd384f9fabc7fa1bc817c8f9ad4'] = 'Appelez-la chaque minute si votre hébergement propose des tâches cron. Elle envoie ce qui attend.';
$_MODULE['<{odooconnector}prestashop>odooconnector_cdce793651918bc16e5afa28d120af94'] = 'Seuls les identifiants des fiches modifiées sont envoyés, jamais de données personnelles. Aucun accès à Odoo n’est enregistré ici.';
$_MODULE['<{odooconnector}prestashop>odooconnector_9a7e58ee13cb727cb7c4acc68f4cafe5'] = 'Réglages enregistrés.';
$_MODULE['<{odooconnector}prestashop>odooconnector_52014e278559fee27de8bb6ef5c4f6ed'] = 'Adresse du portail : saisissez-la sous la forme https://portal.example.com.';
$_MODULE['<{odooconnector}prestashop>odooconnector_4aadeaeb3fe19cf733bf93f61b8d65e3'] = 'Le portail répond et accepte la signature.';
$_MODULE['<{odooconnector}prestashop>odooconnector_271340208506d6d3e06b3736bc573d41'] = 'Envoyées : %d. Encore en attente : %d.';
$_MODULE['<{odooconnector}prestashop>odooconnector_ef6d96d8b36cca7cda16152944b12964'] = 'Pas encore connecté : saisissez l’adresse du portail.';
$_MODULE['<{odooconnector}prestashop>odooconnector_d3441a91dba16851ce00572d3c344b60'] = 'Le portail ne répond pas. Un nouvel essai se fera tout seul.';
$_MODULE['<{odooconnector}prestashop>odooconnector_86bf8ebfdc247e6a87c44119b942aa6c'] = 'Autre chose que le portail répond à cette adresse. Vérifiez l’adresse.';
$_MODULE['<{odooconnector}prestashop>odooconnector_7021a6eb06016ac8b4770e474c75adee'] = 'Le portail refuse la signature. Téléchargez à nouveau le module depuis le portail et installez-le ici.';
$_MODULE['<{odooconnector}prestashop>odooconnector_454c31291b842d43b5854ec053455dc4'] = 'L’adresse du portail mène ailleurs. Saisissez l’adresse finale, avec https.';
$_MODULE['<{odooconnector}prestashop>odooconnector_6ec9340083b86f0facfc2205bdf081ae'] = 'Le portail n’a pas pu traiter ce message. Mettez à jour le portail ou le module.';
$_MODULE['<{odooconnector}prestashop>odooconnector_2147bd912853fade78ed7f0d0bd7e3fa'] = 'Le portail a un problème. Un nouvel essai se fera tout seul.';
