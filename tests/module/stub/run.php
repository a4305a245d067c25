<?php
/**
 * Plays one request in the stub shop: `php run.php < request.json`, where the request is a list of steps; prints what each
 * step answered as JSON. At the end of the request the shutdown functions run as in PHP; their effects are in the database.
 */

define('MODULE_FOLDER', getenv('STUB_MODULE') ?: dirname(__DIR__, 3) . '/portal/prestashop_module');
error_reporting(E_ALL);
set_error_handler(static function ($level, $message, $file, $line) {
    throw new ErrorException($message, 0, $level, $file, $line);
});
require __DIR__ . '/prestashop.php';

$request = json_decode(file_get_contents('php://stdin'), true);
Configuration::$values = $request['configuration'] ?? [];
Tools::$values = $request['form'] ?? [];
Module::$language = $request['language'] ?? 'en';
if ($request['fastcgi'] ?? false) {
    function fastcgi_finish_request()
    {
        echo "visitor released\n";

        return true;
    }
}
require MODULE_FOLDER . '/odooconnector.php';

$module = new OdooConnector();
foreach (OdooConnector::hookNames() as $hook) {
    $module->registerHook($hook);
}
Hook::$modules = [$module];

function made(array $facts)
{
    $class = $facts['class'];
    if (!class_exists($class, false)) {
        eval("#[AllowDynamicProperties] class $class {}");
    }
    $object = new $class();
    foreach ($facts as $name => $value) {
        if ($name !== 'class') {
            $object->$name = $value;
        }
    }

    return $object;
}

$steps = [
    'install' => static function () use ($module) {
        $module->registered = [];

        return [$module->install(), array_keys($module->registered)];
    },
    'uninstall' => static function () use ($module) {
        return $module->uninstall();
    },
    'upgrade' => static function () use ($module) {
        require MODULE_FOLDER . '/upgrade/upgrade-1.0.0.php';

        return upgrade_module_1_0_0($module);
    },
    'hooks' => static function (array $calls) {
        foreach ($calls as $call) {
            $params = array_map(static function ($value) {
                return is_array($value) && isset($value['class']) ? made($value) : $value;
            }, $call['params']);
            Hook::exec($call['hook'], $params);
        }

        return null;
    },
    'shop' => static function (int $id) {
        return Context::getContext()->shop->id = $id;
    },
    'sql' => static function (string $sql) {
        return stripos($sql, 'SELECT') === 0 ? Db::getInstance()->executeS($sql) : Db::getInstance()->execute($sql);
    },
    'statements' => static function () {
        return Db::$statements;
    },
    'break_database' => static function () {
        return Db::$broken = true;
    },
    'send' => static function (float $seconds) use ($module) {
        return $module->sender()->send($seconds, OdooConnector\Sender::LONG_MILLISECONDS);
    },
    'test' => static function () use ($module) {
        return $module->sender()->test();
    },
    'cron' => static function (string $token) use ($module) {
        return $module->endpoint()->cron($token);
    },
    'pull' => static function (array $call) use ($module) {
        return $module->endpoint()->pull($call['time'], $call['signature'], $call['body']);
    },
    'page' => static function () use ($module) {
        $html = $module->getContent();

        return ['html' => $html, 'values' => Context::getContext()->smarty->assigned];
    },
    'curl_options' => static function (int $milliseconds) {
        $names = ['CURLOPT_TIMEOUT_MS', 'CURLOPT_CONNECTTIMEOUT_MS', 'CURLOPT_NOSIGNAL', 'CURLOPT_FOLLOWLOCATION',
            'CURLOPT_PROTOCOLS', 'CURLOPT_SSL_VERIFYPEER', 'CURLOPT_SSL_VERIFYHOST'];
        $options = (new OdooConnector\Post())->options('https://portal.example.com', [], '{}', $milliseconds);
        $shown = [];
        foreach ($names as $name) {
            $shown[$name] = $options[constant($name)] ?? 'default';
        }

        return $shown;
    },
    'configuration' => static function () {
        return Configuration::$values;
    },
];

$answers = [];
foreach ($request['steps'] as $step) {
    $answers[] = $steps[$step[0]](...array_slice($step, 1));
}
echo json_encode(['answers' => $answers, 'configuration' => Configuration::$values]), "\n";
