<?php
/**
 * @license MIT
 */

namespace OdooConnector;

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * A JSON answer that ends the request.
 */
final class Answer
{
    public static function send(int $status, array $facts, array $headers): void
    {
        while (ob_get_level() > 0) {
            ob_end_clean();
        }
        http_response_code($status);
        header('Content-Type: application/json');
        header('Cache-Control: no-store');
        foreach ($headers as $line) {
            header($line);
        }
        echo json_encode($facts);
        exit;
    }
}
