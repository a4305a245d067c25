<?php
/**
 * Odoo Connector for PrestaShop: notes which records changed and tells the portal. Only ids leave the shop.
 *
 * @license MIT
 */

if (!defined('_PS_VERSION_')) {
    exit;
}

require_once __DIR__ . '/autoload.php';

use OdooConnector\Connection;
use OdooConnector\Endpoint;
use OdooConnector\Hooks;
use OdooConnector\Outbox;
use OdooConnector\Page;
use OdooConnector\Post;
use OdooConnector\Schema;
use OdooConnector\Sender;
use OdooConnector\State;

class OdooConnector extends Module
{
    use Hooks;

    /** @var Outbox|null */
    private $outbox;

    /** @var bool whether the end of this request was arranged */
    private $finishes = false;

    public function __construct()
    {
        $this->name = 'odooconnector';
        $this->tab = 'administration';
        $this->version = '1.0.0';
        $this->author = 'Odoo Connector';
        $this->need_instance = 0;
        $this->bootstrap = true;
        $this->ps_versions_compliancy = ['min' => '8.0.0', 'max' => '9.99.99'];
        parent::__construct();
        $this->displayName = $this->l('Odoo Connector');
        $this->description = $this->l('Tells the Odoo Connector portal at once what changed in the shop.');
        $this->confirmUninstall = $this->l('Changes that were not sent yet are forgotten here. Continue?');
    }

    public function install()
    {
        return parent::install() && $this->setUp();
    }

    /** What an installation consists of; repeating it changes nothing. Upgrade scripts call it too. */
    public function setUp(): bool
    {
        if (!Schema::create()) {
            return false;
        }
        foreach (self::hookNames() as $hook) {
            if (!$this->isRegisteredInHook($hook) && !$this->registerHook($hook)) {
                return false;
            }
        }
        Connection::load();

        return true;
    }

    public function uninstall()
    {
        return parent::uninstall() && Schema::drop() && Connection::forget();
    }

    /** The page behind "Configure". */
    public function getContent()
    {
        return (new Page($this, $this->sender()))->show();
    }

    /** The translation of a text of the page; `l()` looks texts up under the name of this file. */
    public function text(string $text): string
    {
        return $this->l($text);
    }

    public function render(array $values): string
    {
        $this->context->smarty->assign($values);

        return $this->display(__FILE__, 'views/templates/admin/page.tpl');
    }

    public function endpoint(): Endpoint
    {
        return new Endpoint($this->sender());
    }

    public function sender(): Sender
    {
        return new Sender($this->outbox(), new State(), Connection::load(), new Post(), $this->version);
    }

    /** Called by every hook. Never throws and never calls the network: a visitor may be in the middle of paying. */
    protected function changed(string $entity, $record, $combination = 0, $shop = 0): void
    {
        try {
            if ((int) $record < 1) {
                return;
            }
            $this->outbox()->put($entity, (int) $record, (int) $combination, (int) $shop ?: $this->currentShop());
            if (!$this->finishes) {
                $this->finishes = true;
                // Registered from within a shutdown function, so that it runs after those of PrestaShop and other modules.
                register_shutdown_function(function () {
                    register_shutdown_function([$this, 'finish']);
                });
            }
        } catch (\Throwable $error) {
            error_log('odooconnector: a change was not noted: ' . $error->getMessage());
        }
    }

    /** The end of the request: let the visitor go, then send. */
    public function finish(): void
    {
        try {
            $this->outbox()->putAgain();
            ignore_user_abort(true);
            $this->sender()->sendAtEnd($this->releaseVisitor());
        } catch (\Throwable $error) {
            error_log('odooconnector: sending failed: ' . $error->getMessage());
        }
    }

    /** Complete the answer to the visitor if this server can; otherwise false, and the visitor waits for what follows. */
    private function releaseVisitor(): bool
    {
        foreach (['fastcgi_finish_request', 'litespeed_finish_request'] as $function) {
            if (function_exists($function)) {
                // An open session is locked, and the visitor's next click would wait for it.
                if (session_status() === PHP_SESSION_ACTIVE) {
                    session_write_close();
                }
                $function();

                return true;
            }
        }

        return false;
    }

    private function outbox(): Outbox
    {
        if ($this->outbox === null) {
            $this->outbox = new Outbox();
        }

        return $this->outbox;
    }

    private function currentShop(): int
    {
        $shop = Context::getContext()->shop;

        return $shop ? (int) $shop->id : 0;
    }
}
