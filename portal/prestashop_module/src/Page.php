<?php
/**
 * @license MIT
 */

namespace OdooConnector;

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * The page of the module in the back office. PrestaShop checks the employee's rights and the token before it is called.
 */
final class Page
{
    /** Every text of the page, by its name in the template. */
    const TEXTS = [
        'connection' => 'Connection',
        'connected' => 'Connected',
        'not_connected' => 'Not connected',
        'paused' => 'Waiting before the next try',
        'last_heard' => 'Last confirmed by the portal',
        'never' => 'never',
        'backlog' => 'Changes waiting',
        'oldest' => 'Oldest waiting since',
        'last_error' => 'Last error',
        'none' => 'none',
        'rescan' => 'Changes were dropped; the portal is asked to look at everything again.',
        'test' => 'Test',
        'send' => 'Send now',
        'open' => 'Open the portal',
        'settings' => 'Settings',
        'url' => 'Address of the portal',
        'store' => 'Store key',
        'secret' => 'Signing secret',
        'secret_help' => 'Leave empty to keep the current one.',
        'save' => 'Save',
        'cron' => 'Cron address',
        'cron_help' => 'Call it every minute, if your hosting offers cron jobs. It sends what waits.',
        'privacy' => 'Only the ids of changed records are sent, never personal data. No access to Odoo is stored here.',
    ];

    const SAVED = 'Settings saved.';
    const BAD_URL = 'Address of the portal: enter it as https://portal.example.com.';
    const TEST_OK = 'The portal answers and accepts the signature.';
    const SENT = 'Sent: %d. Still waiting: %d.';

    /** @var \OdooConnector */
    private $module;

    /** @var Sender */
    private $sender;

    public function __construct(\OdooConnector $module, Sender $sender)
    {
        $this->module = $module;
        $this->sender = $sender;
    }

    public function show(): string
    {
        $notice = $this->act();

        return $notice . $this->module->render($this->values());
    }

    private function act(): string
    {
        if (\Tools::isSubmit('odooconnector_save')) {
            return $this->save();
        }
        if (\Tools::isSubmit('odooconnector_test')) {
            return $this->outcome($this->sender->test(), $this->module->text(self::TEST_OK));
        }
        if (\Tools::isSubmit('odooconnector_send')) {
            $done = $this->sender->send(20.0, Sender::LONG_MILLISECONDS);

            return $this->outcome($done['error'], sprintf($this->module->text(self::SENT), $done['sent'], $done['left']));
        }

        return '';
    }

    private function save(): string
    {
        $url = trim((string) \Tools::getValue('odooconnector_url'));
        if (!Connection::isAddress($url)) {
            return $this->module->displayError($this->module->text(self::BAD_URL));
        }
        Connection::save($url, (string) \Tools::getValue('odooconnector_store'), (string) \Tools::getValue('odooconnector_secret'));
        $this->sender->state->set(['paused' => '0']);
        $this->sender->connection = Connection::load();

        return $this->module->displayConfirmation($this->module->text(self::SAVED));
    }

    private function outcome(string $error, string $success): string
    {
        return $error === ''
            ? $this->module->displayConfirmation($success)
            : $this->module->displayError(htmlspecialchars($this->translated($error), ENT_QUOTES, 'UTF-8'));
    }

    private function values(): array
    {
        $connection = $this->sender->connection;
        $state = $this->sender->state;
        $heard = (int) $state->get('heard');
        $error = $state->get('error');
        $oldest = $this->sender->outbox->oldest();

        return [
            'text' => array_map([$this->module, 'text'], self::TEXTS),
            'connected' => $connection->isComplete() && $heard > 0 && $error === '',
            'paused' => $this->sender->isPaused(),
            'heard' => $heard ? date('Y-m-d H:i:s', $heard) : '',
            'backlog' => $this->sender->outbox->count(),
            'oldest' => $oldest ? date('Y-m-d H:i:s', $oldest) : '',
            'error' => $this->translated($error),
            'error_at' => $error !== '' ? date('Y-m-d H:i:s', (int) $state->get('error_at')) : '',
            'rescan' => $state->get('rescan') !== '',
            'url' => $connection->url,
            'store' => $connection->store,
            'cron' => \Context::getContext()->link->getModuleLink(
                'odooconnector',
                'cron',
                ['token' => $connection->cronToken],
                true
            ),
        ];
    }

    /** The sentence in the language of the page, the detail as it is. */
    private function translated(string $error): string
    {
        $lines = explode("\n", $error, 2);

        return $lines[0] === '' ? '' : trim($this->module->text($lines[0]) . ' ' . ($lines[1] ?? ''));
    }
}
