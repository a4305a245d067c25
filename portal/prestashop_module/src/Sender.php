<?php
/**
 * @license MIT
 */

namespace OdooConnector;

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * Brings the outbox to the portal, in batches. A row is deleted only when the portal has confirmed it.
 */
class Sender
{
    /** Rows in one message: so few that the portal answers at once. */
    const BATCH = 50;

    const MAX_ROWS = 50000;
    const LONG_MILLISECONDS = 5000;
    const SHORT_MILLISECONDS = 150;
    const HEARTBEAT_SECONDS = 300;

    /** Longest pause after failures, in seconds. */
    const MAX_PAUSE = 600;

    /** @var Outbox */
    public $outbox;

    /** @var State */
    public $state;

    /** @var Connection */
    public $connection;

    /** @var Post */
    private $post;

    /** @var string */
    private $version;

    public function __construct(Outbox $outbox, State $state, Connection $connection, Post $post, string $version)
    {
        $this->outbox = $outbox;
        $this->state = $state;
        $this->connection = $connection;
        $this->post = $post;
        $this->version = $version;
    }

    /** At the end of a request. If the visitor still waits: one short post, at most. */
    public function sendAtEnd(bool $visitorIsGone): void
    {
        if ($this->isPaused()) {
            return;
        }
        if ($visitorIsGone) {
            $this->send(10.0, self::LONG_MILLISECONDS);
        } else {
            $this->send(0.0, self::SHORT_MILLISECONDS);
        }
    }

    /**
     * Send batch after batch until nothing is left, something fails or the time is over (0: one post).
     *
     * @return array{sent: int, left: int, error: string}
     */
    public function send(float $seconds, int $milliseconds, bool $heartbeat = false): array
    {
        $end = microtime(true) + $seconds;
        $sent = 0;
        $error = $this->connection->isComplete() ? '' : Trouble::NOT_CONNECTED;
        $goOn = $error === '';
        // Changes noted between the last look and the unlocking found the lock taken; hence the second look.
        while ($goOn && $this->state->lock('sending', time(), (int) $seconds + 10)) {
            try {
                list($done, $error) = $this->drain($end, $milliseconds, $heartbeat);
                $sent += $done;
            } finally {
                $this->state->unlock('sending');
            }
            $heartbeat = false;
            $goOn = $error === '' && microtime(true) < $end && $this->outbox->batch(1);
        }

        return ['sent' => $sent, 'left' => $this->outbox->count(), 'error' => $error];
    }

    /** A message without changes, now. The error in words, or nothing. */
    public function test(): string
    {
        if (!$this->connection->isComplete()) {
            return Trouble::NOT_CONNECTED;
        }
        $message = $this->message([]);

        return $this->deliver($message, self::LONG_MILLISECONDS)[1];
    }

    /** What travels: ids and versions, and how this module is. */
    public function message(array $rows): array
    {
        return [
            'module' => $this->version,
            'prestashop' => _PS_VERSION_,
            'batch' => bin2hex(random_bytes(8)),
            'backlog' => $this->outbox->count(),
            'rescan' => $this->state->get('rescan'),
            'changes' => $rows,
        ];
    }

    /** The portal has these rows. */
    public function confirm(array $rows, string $rescan): void
    {
        $this->outbox->remove($rows);
        if ($rescan !== '') {
            $this->state->clear('rescan', $rescan);
        }
        $this->state->set(['heard' => (string) time(), 'failures' => '0', 'paused' => '0', 'error' => '']);
    }

    public function isPaused(): bool
    {
        return (int) $this->state->get('paused') > time();
    }

    private function drain(float $end, int $milliseconds, bool $heartbeat): array
    {
        $sent = 0;
        do {
            $limit = min(self::BATCH, (int) $this->state->get('batch') ?: self::BATCH);
            $rows = $this->outbox->batch($limit);
            if (!$rows && $this->state->get('rescan') === '' && !$heartbeat) {
                break;
            }
            $heartbeat = false;
            list($status, $error) = $this->deliver($this->message($rows), $milliseconds);
            if ($error === '') {
                $sent += count($rows);
                if ($limit < self::BATCH) {
                    $this->state->set(['batch' => (string) min(self::BATCH, $limit * 2)]);
                }
            } elseif ($rows && self::isUnfit($status)) {
                $this->makeSmaller($rows, $error);
            } else {
                return [$sent, $error];
            }
        } while (microtime(true) < $end);

        return [$sent, ''];
    }

    /** @return array{0: int, 1: string} status and, unless the portal confirmed, the error */
    private function deliver(array $message, int $milliseconds): array
    {
        $body = json_encode($message);
        $headers = Signature::headers($this->connection->store, $this->connection->secret, $body, time());
        $answer = $this->post->send($this->connection->hooksUrl(), $headers, $body, $milliseconds);
        $facts = json_decode($answer['body'], true);
        if ($answer['status'] === 202 && is_array($facts) && ($facts['batch'] ?? '') === $message['batch']) {
            $this->confirm($message['changes'], (string) ($facts['rescan'] ?? ''));

            return [202, ''];
        }
        $error = Trouble::words($answer, is_array($facts) ? $facts : []);
        $unheard = $milliseconds <= self::SHORT_MILLISECONDS && $answer['status'] === 0 && $answer['sent'];
        $this->fail($answer['status'], $error, (bool) $message['changes'], $unheard);

        return [$answer['status'], $error];
    }

    /**
     * Wait longer after each failure; let the table grow to its limit and no further.
     *
     * @param bool $unheard the message left and probably arrived; a short post just had no time for the answer
     */
    private function fail(int $status, string $error, bool $canBeSmaller, bool $unheard): void
    {
        $values = ['error' => $error, 'error_at' => (string) time()];
        if ($canBeSmaller && self::isUnfit($status)) {
            $this->state->set($values);

            return;
        }
        $pause = 5;
        if (!$unheard) {
            $failures = (int) $this->state->get('failures');
            $values['failures'] = (string) ($failures + 1);
            $pause = min(self::MAX_PAUSE, 5 * 2 ** min($failures, 10));
        }
        $this->state->set($values + ['paused' => (string) (time() + $pause)]);
        if ($this->outbox->count() > self::MAX_ROWS) {
            $this->askForRescan();
            $this->outbox->clear();
        }
    }

    private static function isUnfit(int $status): bool
    {
        return $status === 413 || $status === 422;
    }

    /** The portal refuses the batch: halve it, until the one row that it cannot take is found and left out. */
    private function makeSmaller(array $rows, string $error): void
    {
        if (count($rows) > 1) {
            $this->state->set(['batch' => (string) intdiv(count($rows), 2)]);

            return;
        }
        $this->askForRescan();
        $this->outbox->remove($rows);
        error_log('odooconnector: the portal refused ' . $rows[0]['entity'] . ' ' . $rows[0]['id'] . ': ' . strtr($error, "\n", ' '));
    }

    /** Changes are being dropped: the portal is to look at everything again. */
    private function askForRescan(): void
    {
        $this->state->set(['rescan' => bin2hex(random_bytes(8))]);
    }
}
