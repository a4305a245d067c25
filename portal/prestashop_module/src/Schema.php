<?php
/**
 * @license MIT
 */

namespace OdooConnector;

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * The two tables of this module.
 */
final class Schema
{
    /** Creates what is missing and keeps what is there. */
    public static function create(): bool
    {
        $outbox = 'CREATE TABLE IF NOT EXISTS `' . self::outbox() . '` (
            `entity` VARCHAR(16) NOT NULL,
            `record` INT UNSIGNED NOT NULL,
            `combination` INT UNSIGNED NOT NULL DEFAULT 0,
            `shop` INT UNSIGNED NOT NULL DEFAULT 0,
            `version` BIGINT UNSIGNED NOT NULL,
            PRIMARY KEY (`entity`, `record`, `combination`, `shop`),
            KEY `version` (`version`)
        ) ENGINE=' . _MYSQL_ENGINE_ . ' DEFAULT CHARSET=utf8mb4';
        $state = 'CREATE TABLE IF NOT EXISTS `' . self::state() . '` (
            `name` VARCHAR(32) NOT NULL,
            `value` VARCHAR(500) NOT NULL,
            PRIMARY KEY (`name`)
        ) ENGINE=' . _MYSQL_ENGINE_ . ' DEFAULT CHARSET=utf8mb4';

        return \Db::getInstance()->execute($outbox) && \Db::getInstance()->execute($state);
    }

    public static function drop(): bool
    {
        return \Db::getInstance()->execute('DROP TABLE IF EXISTS `' . self::outbox() . '`')
            && \Db::getInstance()->execute('DROP TABLE IF EXISTS `' . self::state() . '`');
    }

    public static function outbox(): string
    {
        return _DB_PREFIX_ . 'odooconnector_outbox';
    }

    public static function state(): string
    {
        return _DB_PREFIX_ . 'odooconnector_state';
    }
}
