<?php
/**
 * What PHP's own tokens say about the files of a module: `php conventions.php FOLDER` prints the complaints, one a line.
 * The module must run on PHP 7.4; this looks for syntax and functions that came later.
 */

$later = ['T_MATCH', 'T_NULLSAFE_OBJECT_OPERATOR', 'T_ATTRIBUTE', 'T_ENUM', 'T_READONLY'];
$functions = ['str_contains', 'str_starts_with', 'str_ends_with', 'get_debug_type', 'get_resource_id', 'array_is_list', 'fdiv',
    'array_find', 'array_any', 'array_all', 'json_validate', 'mb_str_pad', 'iterator_apply', 'array_key_first_or'];

foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator($argv[1], FilesystemIterator::SKIP_DOTS)) as $file) {
    if ($file->getExtension() !== 'php') {
        continue;
    }
    $source = file_get_contents($file->getPathname());
    $name = substr($file->getPathname(), strlen($argv[1]) + 1);
    $isGuard = $file->getFilename() === 'index.php';
    if (!$isGuard && strpos($source, "if (!defined('_PS_VERSION_')) {\n    exit;\n}") === false) {
        echo "$name: can be called directly\n";
    }
    if (strncmp($source, "<?php\n", 6) !== 0 || strpos($source, '?>') !== false) {
        echo "$name: must begin with <?php and must not end with a closing tag\n";
    }
    $tokens = array_values(array_filter(token_get_all($source), static function ($token) {
        return !is_array($token) || !in_array($token[0], [T_WHITESPACE, T_COMMENT, T_DOC_COMMENT], true);
    }));
    foreach ($tokens as $n => $token) {
        $text = is_array($token) ? $token[1] : $token;
        $before = $tokens[$n - 1][1] ?? $tokens[$n - 1] ?? '';
        $after = $tokens[$n + 1][1] ?? $tokens[$n + 1] ?? '';
        $id = is_array($token) ? token_name($token[0]) : '';
        if (in_array($id, $later, true)) {
            echo "$name:$token[2]: $text is newer than PHP 7.4\n";
        }
        if ($id === 'T_STRING' && $after === '(' && in_array(strtolower($text), $functions, true)) {
            echo "$name:$token[2]: $text() is newer than PHP 7.4\n";
        }
        if ($id === 'T_STRING' && $after === ':' && in_array($before, ['(', ','], true)) {
            echo "$name:$token[2]: named arguments are newer than PHP 7.4\n";
        }
        if ($id === 'T_STRING' && in_array($text, ['mixed', 'never', 'static'], true) && $before === ':') {
            echo "$name:$token[2]: the type $text is newer than PHP 7.4\n";
        }
        if ($text === '|' && in_array($tokens[$n + 2][1] ?? '', ['null'], true)) {
            echo "$name: union types are newer than PHP 7.4\n";
        }
        if ($text === '__construct') {
            for ($i = $n; ($tokens[$i] ?? ')') !== ')'; ++$i) {
                if (in_array($tokens[$i][1] ?? '', ['public', 'private', 'protected'], true)) {
                    echo "$name: promoted properties are newer than PHP 7.4\n";
                }
            }
        }
        if ($id === 'T_EVAL' || in_array(strtolower($text), ['var_dump', 'print_r', 'unserialize', 'shell_exec', 'md5_file'], true)) {
            echo "$name: $text has no place in a module\n";
        }
    }
}
