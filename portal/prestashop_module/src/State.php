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

    /**
     * One statement for all values: each write may cost a turn of the disk, and a visitor may be waiting.
     *
     * @param array<string, string> $values
     */
    public function set(array $values): void
    {
        $rows = [];
        foreach ($values as $name => $value) {
            $rows[] = "('" . pSQL($name) . "', '" . pSQL(self::short($value), true) . "')";
        }
        \Db::getInstance()->execute(
            'INSERT INTO `' . Schema::state() . '` (`name`, `value`) VALUES ' . implode(', ', $rows)
            . ' ON DUPLICATE KEY UPDATE `value` = VALUES(`value`)'
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
        $name = pSQL($name);
        $until = $now + $seconds;
        \Db::getInstance()->execute("UPDATE `$table` SET `value` = '$until' WHERE `name` = '$name' AND `value` < '$now'");
        if (\Db::getInstance()->Affected_Rows() === 1) {
            return true;
        }
        // Either the lock is held, or there never was one.
        \Db::getInstance()->execute("INSERT IGNORE INTO `$table` (`name`, `value`) VALUES ('$name', '$until')");

        return \Db::getInstance()->Affected_Rows() === 1;
    }

    public function unlock(string $name): void
    {
        $this->set([$name => '0']);
    }

    private static function short(string $value): string
    {
        return function_exists('mb_substr') ? mb_substr($value, 0, 500, 'UTF-8') : substr($value, 0, 500);
    }
}
