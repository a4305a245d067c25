<?php
/**
 * @license MIT
 */

namespace OdooConnector;

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * One bounded HTTP request.
 */
class Post
{
    const MAX_ANSWER = 65536;

    /**
     * @param string[] $headers
     *
     * @return array{status: int, body: string, error: string, sent: bool} status 0: no complete answer; sent: the request
     *                                                                     left completely, so it may have arrived
     */
    public function send(string $url, array $headers, string $body, int $milliseconds): array
    {
        $answer = '';
        $curl = curl_init();
        curl_setopt_array($curl, $this->options($url, $headers, $body, $milliseconds) + [
            CURLOPT_WRITEFUNCTION => static function ($curl, $part) use (&$answer) {
                $answer .= $part;

                return strlen($answer) > self::MAX_ANSWER ? 0 : strlen($part);
            },
        ]);
        $complete = curl_exec($curl);
        $status = $complete === false ? 0 : (int) curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
        $sent = curl_getinfo($curl, CURLINFO_SIZE_UPLOAD) >= strlen($body) && curl_getinfo($curl, CURLINFO_REQUEST_SIZE) > 0;
        $error = curl_error($curl);
        unset($curl);

        return ['status' => $status, 'body' => $answer, 'error' => $error, 'sent' => (bool) $sent];
    }

    /** @return array<int, mixed> */
    public function options(string $url, array $headers, string $body, int $milliseconds): array
    {
        return [
            CURLOPT_URL => $url,
            CURLOPT_POST => true,
            CURLOPT_POSTFIELDS => $body,
            // An empty Expect keeps curl from waiting a second for "100 Continue".
            CURLOPT_HTTPHEADER => array_merge($headers, ['Content-Type: application/json', 'Expect:']),
            CURLOPT_TIMEOUT_MS => $milliseconds,
            CURLOPT_CONNECTTIMEOUT_MS => min($milliseconds, 2000),
            // Without it, times below one second are refused where curl resolves names with signals.
            CURLOPT_NOSIGNAL => true,
            CURLOPT_FOLLOWLOCATION => false,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_USERAGENT => 'OdooConnector',
        ];
    }
}
