<?php
/**
 * @license MIT
 */

namespace OdooConnector;

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * Address of the portal, the store's name there and the secret for signing. No credentials of Odoo.
 *
 * What was downloaded with the module (connection.php) and what was typed into the page both end in PrestaShop's
 * configuration; the one that came last counts, so that uploading a new download after a change of the secret is enough.
 */
final class Connection
{
    const URL = 'ODOOCONNECTOR_URL';
    const STORE = 'ODOOCONNECTOR_STORE';
    const SECRET = 'ODOOCONNECTOR_SECRET';
    const CRON_TOKEN = 'ODOOCONNECTOR_CRON_TOKEN';
    const DOWNLOAD = 'ODOOCONNECTOR_DOWNLOAD';

    /** @var string */
    public $url;

    /** @var string */
    public $store;

    /** @var string */
    public $secret;

    /** @var string */
    public $cronToken;

    private function __construct()
    {
        $this->url = (string) \Configuration::getGlobalValue(self::URL);
        $this->store = (string) \Configuration::getGlobalValue(self::STORE);
        $this->secret = (string) \Configuration::getGlobalValue(self::SECRET);
        $this->cronToken = (string) \Configuration::getGlobalValue(self::CRON_TOKEN);
    }

    public static function load(): self
    {
        $download = require dirname(__DIR__) . '/connection.php';
        $print = md5(implode('|', $download));
        if ($download['secret'] !== '' && \Configuration::getGlobalValue(self::DOWNLOAD) !== $print) {
            self::save($download['url'], $download['store'], $download['secret']);
            \Configuration::updateGlobalValue(self::DOWNLOAD, $print);
        }
        if (!\Configuration::getGlobalValue(self::CRON_TOKEN)) {
            \Configuration::updateGlobalValue(self::CRON_TOKEN, bin2hex(random_bytes(20)));
        }

        return new self();
    }

    /** Keep what was typed; an empty secret keeps the one that is there. */
    public static function save(string $url, string $store, string $secret): void
    {
        \Configuration::updateGlobalValue(self::URL, rtrim(trim($url), '/'));
        \Configuration::updateGlobalValue(self::STORE, trim($store));
        if (trim($secret) !== '') {
            \Configuration::updateGlobalValue(self::SECRET, trim($secret));
        }
    }

    public static function forget(): bool
    {
        foreach ([self::URL, self::STORE, self::SECRET, self::CRON_TOKEN, self::DOWNLOAD] as $name) {
            \Configuration::deleteByName($name);
        }

        return true;
    }

    public function isComplete(): bool
    {
        return self::isAddress($this->url) && $this->store !== '' && $this->secret !== '';
    }

    public static function isAddress(string $url): bool
    {
        return (bool) preg_match('#^https?://[^\s/?\#@]+(/[^\s?\#]*)?$#i', $url);
    }

    public function hooksUrl(): string
    {
        return $this->url . '/hooks/prestashop';
    }
}
