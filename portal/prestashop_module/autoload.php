<?php
/**
 * @license MIT
 */

if (!defined('_PS_VERSION_')) {
    exit;
}

spl_autoload_register(static function ($class) {
    $prefix = 'OdooConnector\\';
    if (strncmp($class, $prefix, strlen($prefix)) === 0) {
        $file = __DIR__ . '/src/' . substr($class, strlen($prefix)) . '.php';
        if (is_file($file)) {
            require_once $file;
        }
    }
});
