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
$_MODULE['<{odooconnector}prestashop>odooconnector_97a9ca598e51727b84391b406a320772'] = 'Comunica al momento al portal Odoo Connector lo que ha cambiado en la tienda.';
$_MODULE['<{odooconnector}prestashop>odooconnector_6122b9cf511af7c9ca34a2d2dddd4d18'] = 'Los cambios que aún no se han enviado se olvidarán aquí. ¿Continuar?';
$_MODULE['<{odooconnector}prestashop>odooconnector_c2cc7082a89c1ad6631a2f66af5f00c0'] = 'Conexión';
$_MODULE['<{odooconnector}prestashop>odooconnector_2ec0d16e4ca169baedb9b2d50ec5c6d7'] = 'Conectado';
$_MODULE['<{odooconnector}prestashop>odooconnector_7b277018e43d41bc445731092b91547d'] = 'Sin conexión';
$_MODULE['<{odooconnector}prestashop>odooconnector_afd2904d4311549d440699c8f2b04ee2'] = 'En espera antes del próximo intento';
$_MODULE['<{odooconnector}prestashop>odooconnector_d5ca75de044268f54166ea091f612047'] = 'Última confirmación del portal';
$_MODULE['<{odooconnector}prestashop>odooconnector_c7561db7a418dd39b2201dfe110ab4a4'] = 'nunca';
$_MODULE['<{odooconnector}prestashop>odooconnector_81d73ff64908e5c9587ee9dde1aa0211'] = 'Cambios en espera';
$_MODULE['<{odooconnector}prestashop>odooconnector_6c3d05ef4b68cce86c4da5db9b339dd8'] = 'El más antiguo espera desde';
$_MODULE['<{odooconnector}prestashop>odooconnector_92de805ae582ce6049f832471539737c'] = 'Último error';
$_MODULE['<{odooconnector}prestashop>odooconnector_334c4a4c42fdb79d7ebc3e73b517e6f8'] = 'ninguno';
$_MODULE['<{odooconnector}prestashop>odooconnector_8df4598bcedaafecefc77ac51e978663'] = 'Se han descartado cambios; se pide al portal que lo revise todo de nuevo.';
$_MODULE['<{odooconnector}prestashop>odooconnector_0cbc6611f5540bd0809a388dc95a615b'] = 'Probar';
$_MODULE['<{odooconnector}prestashop>odooconnector_9f12e1bfb98bb9e5b05b12f758333056'] = 'Enviar ahora';
$_MODULE['<{odooconnector}prestashop>odooconnector_c18f10c0e82602b5a1f2f4d6826ae95f'] = 'Abrir el portal';
$_MODULE['<{odooconnector}prestashop>odooconnector_f4f70727dc34561dfde1a3c529b6205c'] = 'Ajustes';
$_MODULE['<{odooconnector}prestashop>odooconnector_8854e93794c77782f1f77b415d2a6e8d'] = 'Dirección del portal';
$_MODULE['<{odooconnector}prestashop>odooconnector_b507a6adf2907ec0ce627ddfa520bb66'] = 'Clave de la tienda';
$_MODULE['<{odooconnector}prestashop>odooconnector_6ba5ab09fb8f1e50e1cd8cd8a5211a40'] = 'Secreto de firma';
$_MODULE['<{odooconnector}prestashop>odooconnector_f2e075d02c5cb45a6a3fd452b7a0d09e'] = 'Déjelo vacío para conservar el actual.';
$_MODULE['<{odooconnector}prestashop>odooconnector_c9cc8cce247e49bae79f15173ce97354'] = 'Guardar';
$_MODULE['<{odooconnector}prestashop>odooconnector_909d1f548546645b04219f2805f28371'] = 'Dirección cron';
$_MODULE['<{odooconnector}prestashop>odooconnector_92a39cd384f9fabc7fa1bc817c8f9ad4'] = 'Llámela cada minuto si su alojamiento ofrece tareas cron. Envía lo que espera.';
$_MODULE['<{odooconnector}prestashop>odooconnector_cdce793651918bc16e5afa28d120af94'] = 'Solo se envían los identificadores de los registros modificados, nunca datos personales. Aquí no se guarda ningún acceso a Odoo.';
$_MODULE['<{odooconnector}prestashop>odooconnector_9a7e58ee13cb727cb7c4acc68f4cafe5'] = 'Ajustes guardados.';
$_MODULE['<{odooconnector}prestashop>odooconnector_52014e278559fee27de8bb6ef5c4f6ed'] = 'Dirección del portal: escríbala como https://portal.example.com.';
$_MODULE['<{odooconnector}prestashop>odooconnector_4aadeaeb3fe19cf733bf93f61b8d65e3'] = 'El portal responde y acepta la firma.';
$_MODULE['<{odooconnector}prestashop>odooconnector_271340208506d6d3e06b3736bc573d41'] = 'Enviados: %d. Aún en espera: %d.';
$_MODULE['<{odooconnector}prestashop>odooconnector_ef6d96d8b36cca7cda16152944b12964'] = 'Aún sin conexión: escriba la dirección del portal.';
$_MODULE['<{odooconnector}prestashop>odooconnector_d3441a91dba16851ce00572d3c344b60'] = 'El portal no responde. Se volverá a intentar automáticamente.';
$_MODULE['<{odooconnector}prestashop>odooconnector_86bf8ebfdc247e6a87c44119b942aa6c'] = 'En esta dirección responde algo que no es el portal. Compruebe la dirección.';
$_MODULE['<{odooconnector}prestashop>odooconnector_7021a6eb06016ac8b4770e474c75adee'] = 'El portal rechaza la firma. Descargue de nuevo el módulo desde el portal y súbalo aquí.';
$_MODULE['<{odooconnector}prestashop>odooconnector_454c31291b842d43b5854ec053455dc4'] = 'La dirección del portal lleva a otro sitio. Escriba la dirección final, con https.';
$_MODULE['<{odooconnector}prestashop>odooconnector_6ec9340083b86f0facfc2205bdf081ae'] = 'El portal no ha podido aceptar este mensaje. Actualice el portal o el módulo.';
$_MODULE['<{odooconnector}prestashop>odooconnector_2147bd912853fade78ed7f0d0bd7e3fa'] = 'El portal tiene un problema. Se volverá a intentar automáticamente.';
