<?php
/**
 * As much of PrestaShop 8 and 9 as the module uses, for tests: the database is SQLite, hooks are dispatched as in the core.
 */

define('_PS_VERSION_', getenv('STUB_PS_VERSION') ?: '8.1.2');
define('_DB_PREFIX_', 'ps_');
define('_MYSQL_ENGINE_', 'InnoDB');

class PrestaShopDatabaseException extends Exception
{
}

function pSQL($string, $htmlOK = false)
{
    $string = strtr($string, ["'" => "''"]);

    return $htmlOK ? $string : strip_tags($string);
}

/** MySQL's dialect as far as the module speaks it, on SQLite. Every statement is kept, so that tests can count them. */
class Db
{
    public static $instance;
    public static $statements = [];
    public static $broken = false;
    private $pdo;
    private $affected = 0;

    public static function getInstance()
    {
        if (self::$instance === null) {
            self::$instance = new self(getenv('STUB_DB') ?: ':memory:');
        }

        return self::$instance;
    }

    private function __construct(string $file)
    {
        $this->pdo = new PDO('sqlite:' . $file);
        $this->pdo->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
        $this->pdo->setAttribute(PDO::ATTR_TIMEOUT, 10);
        $this->pdo->exec('PRAGMA synchronous = OFF');
    }

    public function execute($sql)
    {
        self::$statements[] = trim(preg_replace('/\s+/', ' ', $sql));
        if (self::$broken) {
            throw new PrestaShopDatabaseException('the database is gone');
        }
        foreach ($this->translated($sql) as $statement) {
            $this->affected = (int) $this->pdo->exec($statement);
        }

        return true;
    }

    public function executeS($sql, $array = true, $use_cache = true)
    {
        return $this->query($sql)->fetchAll(PDO::FETCH_ASSOC);
    }

    /** As in the core, adds LIMIT 1 by itself. */
    public function getValue($sql, $use_cache = true)
    {
        $row = $this->query($sql . ' LIMIT 1')->fetch(PDO::FETCH_NUM);

        return $row ? $row[0] : false;
    }

    public function Affected_Rows()
    {
        return $this->affected;
    }

    private function query(string $sql)
    {
        if (self::$broken) {
            throw new PrestaShopDatabaseException('the database is gone');
        }

        return $this->pdo->query($sql);
    }

    private function translated(string $sql): array
    {
        if (preg_match('/^\s*CREATE TABLE/', $sql)) {
            $sql = preg_replace('/\) ENGINE=\w+ DEFAULT CHARSET=\w+/', ')', $sql);
            $sql = preg_replace('/,\s*KEY `\w+` \(`\w+`\)/', '', $sql);

            return [str_replace('UNSIGNED', '', $sql)];
        }
        $sql = strtr($sql, ['INSERT IGNORE' => 'INSERT OR IGNORE', 'GREATEST(' => 'MAX(', 'VALUES(`value`)' => 'excluded.value']);
        if (strpos($sql, '_outbox`') !== false) {
            $target = 'ON CONFLICT (`entity`, `record`, `combination`, `shop`) DO UPDATE SET';
        } else {
            $target = 'ON CONFLICT (`name`) DO UPDATE SET';
        }

        return [str_replace('ON DUPLICATE KEY UPDATE', $target, $sql)];
    }
}

class Configuration
{
    public static $values = [];

    public static function getGlobalValue($key, $lang = null)
    {
        return self::$values[$key] ?? false;
    }

    public static function updateGlobalValue($key, $value, $html = false)
    {
        self::$values[$key] = $value;

        return true;
    }

    public static function deleteByName($key)
    {
        unset(self::$values[$key]);

        return true;
    }
}

class Tools
{
    public static $values = [];

    public static function getValue($key, $default = false)
    {
        return self::$values[$key] ?? $default;
    }

    public static function isSubmit($key)
    {
        return isset(self::$values[$key]);
    }
}

class Link
{
    public function getModuleLink($module, $controller = 'default', array $params = [], $ssl = null)
    {
        return "https://shop.example.com/module/$module/$controller?" . http_build_query($params);
    }
}

class Smarty
{
    public $assigned = [];

    public function assign(array $values)
    {
        $this->assigned = $values + $this->assigned;
    }
}

class Shop
{
    public $id = 1;
}

class Context
{
    public $shop;
    public $link;
    public $smarty;
    private static $instance;

    public function __construct()
    {
        $this->shop = new Shop();
        $this->link = new Link();
        $this->smarty = new Smarty();
    }

    public static function getContext()
    {
        return self::$instance = self::$instance ?: new self();
    }
}

class Module
{
    public static $language = 'en';
    public $name;
    public $tab;
    public $version;
    public $author;
    public $need_instance;
    public $bootstrap;
    public $ps_versions_compliancy;
    public $displayName;
    public $description;
    public $confirmUninstall;
    public $registered = [];
    protected $context;

    public function __construct()
    {
        $this->context = Context::getContext();
    }

    public function install()
    {
        return true;
    }

    public function uninstall()
    {
        $this->registered = [];

        return true;
    }

    public function registerHook($name)
    {
        $this->registered[strtolower($name)] = true;

        return true;
    }

    public function isRegisteredInHook($name)
    {
        return isset($this->registered[strtolower($name)]);
    }

    /** The core's look-up of translations of modules. */
    public function l($string, $specific = false)
    {
        global $_MODULE;
        $_MODULE = [];
        include MODULE_FOLDER . '/translations/' . self::$language . '.php';
        $key = '<{' . $this->name . '}prestashop>' . ($specific ?: $this->name) . '_' . md5(str_replace("'", "\\'", $string));

        return $_MODULE[$key] ?? $string;
    }

    public function display($file, $template)
    {
        return '[' . $template . ']';
    }

    public function displayError($text)
    {
        return '<error>' . $text . '</error>';
    }

    public function displayConfirmation($text)
    {
        return '<ok>' . $text . '</ok>';
    }
}

/** Dispatches like the core: only to modules registered on the hook that have the method, whatever the case. */
class Hook
{
    public static $modules = [];

    public static function exec($name, array $params = [])
    {
        foreach (self::$modules as $module) {
            if ($module->isRegisteredInHook($name) && is_callable([$module, 'hook' . $name])) {
                $module->{'hook' . $name}($params);
            }
        }
    }
}

class ModuleFrontController
{
    public $module;
}
