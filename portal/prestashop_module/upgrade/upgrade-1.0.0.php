<?php
/**
 * @license MIT
 */

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * From a test version to 1.0.0: tables and hooks that are missing are added, waiting changes stay.
 *
 * @param OdooConnector $module
 *
 * @return bool
 */
function upgrade_module_1_0_0($module)
{
    return $module->setUp();
}
