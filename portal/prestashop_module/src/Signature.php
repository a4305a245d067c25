<?php
/**
 * @license MIT
 */

namespace OdooConnector;

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * HMAC-SHA256 over "time.body", the same in both directions. Several signatures, separated by commas, may stand in the header
 * while a secret is being replaced.
 */
final class Signature
{
    const WINDOW_SECONDS = 300;

    /** @return string[] header lines */
    public static function headers(string $store, string $secret, string $body, int $now): array
    {
        return [
            'X-OdooConnector-Store: ' . $store,
            'X-OdooConnector-Time: ' . $now,
            'X-OdooConnector-Signature: v1=' . self::sign($secret, (string) $now, $body),
        ];
    }

    public static function isValid(string $secret, string $time, string $signatures, string $body, int $now): bool
    {
        if ($secret === '' || !preg_match('/^\d{1,12}$/', $time) || abs($now - (int) $time) > self::WINDOW_SECONDS) {
            return false;
        }
        $wanted = 'v1=' . self::sign($secret, $time, $body);
        foreach (array_slice(explode(',', $signatures), 0, 5) as $signature) {
            if (hash_equals($wanted, trim($signature))) {
                return true;
            }
        }

        return false;
    }

    private static function sign(string $secret, string $time, string $body): string
    {
        return hash_hmac('sha256', $time . '.' . $body, $secret);
    }
}
