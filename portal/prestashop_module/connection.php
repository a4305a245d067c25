<?php
/**
 * Where the portal is. The portal fills this in when the module is downloaded from there; otherwise use the module's page.
 *
 * @license MIT
 */

if (!defined('_PS_VERSION_')) {
    exit;
}

return [
    'url' => '',
    'store' => '',
    'secret' => '',
];
