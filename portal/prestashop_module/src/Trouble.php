<?php
/**
 * @license MIT
 */

namespace OdooConnector;

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * Why the portal did not confirm. First line: a sentence for the merchant, which the page translates; second: the detail.
 */
final class Trouble
{
    const NOT_CONNECTED = 'Not connected yet: enter the address of the portal.';
    const NO_ANSWER = 'The portal does not answer. It is tried again by itself.';
    const NOT_A_PORTAL = 'Something else than the portal answers at this address. Check the address.';
    const REFUSED = 'The portal refuses the signature. Download the module again from the portal and upload it here.';
    const REDIRECTED = 'The address of the portal leads elsewhere. Enter the final address, with https.';
    const UNFIT = 'The portal could not take this message. Update the portal or the module.';
    const BROKEN = 'The portal is in trouble. It is tried again by itself.';

    public static function words(array $answer, array $facts): string
    {
        $status = $answer['status'];
        $detail = $status === 0 ? $answer['error'] : trim("($status) " . (is_string($facts['error'] ?? null) ? $facts['error'] : ''));

        return self::sentence($status) . "\n" . $detail;
    }

    private static function sentence(int $status): string
    {
        if ($status === 0) {
            return self::NO_ANSWER;
        }
        if ($status === 403) {
            return self::REFUSED;
        }
        if ($status === 413 || $status === 422) {
            return self::UNFIT;
        }
        if ($status >= 500 || $status === 429) {
            return self::BROKEN;
        }

        return $status >= 300 && $status < 400 ? self::REDIRECTED : self::NOT_A_PORTAL;
    }
}
