<?php
/**
 * @license MIT
 */

namespace OdooConnector;

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * What can be called from outside: the cron address with its token, and the pull address, signed by the portal.
 */
final class Endpoint
{
    const MAX_BODY = 262144;
    const MAX_PULL = 1000;

    /** @var Sender */
    private $sender;

    public function __construct(Sender $sender)
    {
        $this->sender = $sender;
    }

    /** @return array{0: int, 1: array, 2: string[]} status, facts, header lines */
    public function cron(string $token): array
    {
        if ($this->sender->connection->cronToken === '' || !hash_equals($this->sender->connection->cronToken, $token)) {
            return [403, ['error' => 'token: wrong or missing. Copy the cron address from the page of the module.'], []];
        }
        $quiet = time() - (int) $this->sender->state->get('heard') >= Sender::HEARTBEAT_SECONDS;
        $done = $this->sender->send(20.0, Sender::LONG_MILLISECONDS, $quiet);

        return [$done['error'] === '' ? 200 : 502, $done, []];
    }

    /**
     * Delete what the portal has stored, and hand out the next changes.
     *
     * @return array{0: int, 1: array, 2: string[]}
     */
    public function pull(string $time, string $signatures, string $body): array
    {
        $connection = $this->sender->connection;
        if (strlen($body) > self::MAX_BODY) {
            return [413, ['error' => 'body: too large.'], []];
        }
        if (!Signature::isValid($connection->secret, $time, $signatures, $body, time())) {
            return [403, ['error' => 'signature: wrong or too old.'], []];
        }
        $request = json_decode($body, true);
        $confirmed = is_array($request) ? self::rows($request['confirm'] ?? []) : null;
        if ($confirmed === null) {
            return [422, ['error' => 'confirm: not a list of changes.'], []];
        }
        $rescan = $request['rescan'] ?? '';
        $this->sender->confirm($confirmed, is_string($rescan) ? $rescan : '');
        $limit = max(1, min(self::MAX_PULL, (int) ($request['limit'] ?? self::MAX_PULL)));
        $message = $this->sender->message($this->sender->outbox->batch($limit));

        return [200, $message, Signature::headers($connection->store, $connection->secret, json_encode($message), time())];
    }

    /** The rows in their types, or null if something else was sent. */
    private static function rows($given): ?array
    {
        if (!is_array($given) || count($given) > self::MAX_PULL) {
            return null;
        }
        $rows = [];
        foreach ($given as $row) {
            if (!is_array($row) || !is_string($row['entity'] ?? null) || !is_int($row['id'] ?? null)
                || !is_int($row['combination'] ?? null) || !is_int($row['shop'] ?? null) || !is_int($row['version'] ?? null)) {
                return null;
            }
            $rows[] = $row;
        }

        return $rows;
    }
}
