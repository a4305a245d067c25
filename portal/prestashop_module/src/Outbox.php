<?php
/**
 * @license MIT
 */

namespace OdooConnector;

if (!defined('_PS_VERSION_')) {
    exit;
}

/**
 * The records that changed and that the portal has not confirmed yet: one row per record, whatever number of changes.
 *
 * The version of a row is the time of its last change in microseconds. It only grows, also when the row was deleted and made
 * anew, so that a confirmation of an older state never deletes a newer change.
 */
final class Outbox
{
    /** A record changed again within this time is only written once more, at the end of the request. */
    const COALESCE_SECONDS = 1.0;

    /** @var array<string, float> when this request wrote each record */
    private $written = [];

    /** @var array<string, array> records that changed again after they were written */
    private $again = [];

    /**
     * Note a change. One save in the back office fires the same hook seven times: the first is written at once, so that
     * nothing is lost if the request dies; the others are written together by `putAgain`.
     */
    public function put(string $entity, int $record, int $combination, int $shop): void
    {
        $row = [$entity, $record, $combination, $shop];
        $key = implode('-', $row);
        $now = microtime(true);
        if (isset($this->written[$key]) && $now - $this->written[$key] < self::COALESCE_SECONDS) {
            $this->again[$key] = $row;

            return;
        }
        $this->write([$row], $now);
        $this->written[$key] = $now;
        unset($this->again[$key]);
    }

    /** Write what changed again since it was written: it may have been sent and deleted in between. */
    public function putAgain(): void
    {
        $rows = array_values($this->again);
        $this->again = [];
        foreach (array_chunk($rows, 500) as $chunk) {
            $this->write($chunk, microtime(true));
        }
    }

    /**
     * The oldest changes.
     *
     * @return array<int, array{entity: string, id: int, combination: int, shop: int, version: int}>
     */
    public function batch(int $limit): array
    {
        $rows = \Db::getInstance()->executeS(
            'SELECT `entity`, `record`, `combination`, `shop`, `version` FROM `' . Schema::outbox() . '`
            ORDER BY `version` LIMIT ' . (int) $limit,
            true,
            false
        );

        return array_map(static function (array $row) {
            return ['entity' => (string) $row['entity'], 'id' => (int) $row['record'], 'combination' => (int) $row['combination'],
                'shop' => (int) $row['shop'], 'version' => (int) $row['version']];
        }, $rows ?: []);
    }

    /** Delete confirmed rows, each only if it has not changed since. */
    public function remove(array $rows): void
    {
        foreach (array_chunk($rows, 100) as $chunk) {
            $conditions = array_map(static function (array $row) {
                return sprintf(
                    "(`entity` = '%s' AND `record` = %d AND `combination` = %d AND `shop` = %d AND `version` = %d)",
                    pSQL($row['entity']),
                    $row['id'],
                    $row['combination'],
                    $row['shop'],
                    $row['version']
                );
            }, $chunk);
            \Db::getInstance()->execute('DELETE FROM `' . Schema::outbox() . '` WHERE ' . implode(' OR ', $conditions));
        }
    }

    public function count(): int
    {
        return (int) \Db::getInstance()->getValue('SELECT COUNT(*) FROM `' . Schema::outbox() . '`', false);
    }

    /** When the oldest waiting change was last touched, as a Unix time; 0 if nothing waits. */
    public function oldest(): int
    {
        return (int) (\Db::getInstance()->getValue('SELECT MIN(`version`) FROM `' . Schema::outbox() . '`', false) / 1000000);
    }

    public function clear(): void
    {
        \Db::getInstance()->execute('DELETE FROM `' . Schema::outbox() . '`');
    }

    private function write(array $rows, float $now): void
    {
        $version = sprintf('%.0f', $now * 1000000);
        $values = array_map(static function (array $row) use ($version) {
            return sprintf("('%s', %d, %d, %d, %s)", pSQL($row[0]), $row[1], $row[2], $row[3], $version);
        }, $rows);
        $done = \Db::getInstance()->execute(
            'INSERT INTO `' . Schema::outbox() . '` (`entity`, `record`, `combination`, `shop`, `version`)
            VALUES ' . implode(', ', $values) . '
            ON DUPLICATE KEY UPDATE `version` = GREATEST(`version` + 1, ' . $version . ')'
        );
        if (!$done) {
            throw new \RuntimeException('the table ' . Schema::outbox() . ' cannot be written to');
        }
    }
}
