<?php
/**
 * @license MIT
 */

namespace OdooConnector;

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * A few values that change often. PrestaShop's Configuration is cached per request and is not meant for that.
 */
final class State
{
    public function get(string $name): string
    {
        return (string) \Db::getInstance()->getValue(
            'SELECT `value` FROM `' . Schema::state() . "` WHERE `name` = '" . pSQL($name) . "'",
            false
        );
    }

    public function set(string $name, string $value): void
    {
        $value = pSQL(self::short($value), true);
        \Db::getInstance()->execute(
            'INSERT INTO `' . Schema::state() . "` (`name`, `value`) VALUES ('" . pSQL($name) . "', '" . $value . "')
            ON DUPLICATE KEY UPDATE `value` = '" . $value . "'"
        );
    }

    /** Empty a value, unless it was changed in the meantime. */
    public function clear(string $name, string $value): void
    {
        \Db::getInstance()->execute(
            'UPDATE `' . Schema::state() . "` SET `value` = '' WHERE `name` = '" . pSQL($name) . "' AND `value` = '"
            . pSQL($value, true) . "'"
        );
    }

    /** Take a lock for some seconds; false if another request holds it. Unix times of equal length compare as text. */
    public function lock(string $name, int $now, int $seconds): bool
    {
        $table = Schema::state();
        \Db::getInstance()->execute("INSERT IGNORE INTO `$table` (`name`, `value`) VALUES ('" . pSQL($name) . "', '0')");
        \Db::getInstance()->execute(
            "UPDATE `$table` SET `value` = '" . ($now + $seconds) . "' WHERE `name` = '" . pSQL($name) . "' AND `value` < '$now'"
        );

        return \Db::getInstance()->Affected_Rows() === 1;
    }

    public function unlock(string $name): void
    {
        $this->set($name, '0');
    }

    private static function short(string $value): string
    {
        return function_exists('mb_substr') ? mb_substr($value, 0, 500, 'UTF-8') : substr($value, 0, 500);
    }
}
