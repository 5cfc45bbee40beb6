<?php
// Makes the requests of a plan with one of PHP's ways to speak HTTP: run.php LIBRARY PLAN.
[$_, $library, $file] = $argv;
$curl = $library === 'php-curl' ? curl_init() : null;
foreach (json_decode(file_get_contents($file), true) as $s) {
    usleep((int) (1e6 * $s['wait']));
    $lines = array_map(fn ($h) => "$h[0]: $h[1]", $s['header'] ?? []);
    if ($curl) {
        curl_reset($curl);
        curl_setopt_array($curl, [CURLOPT_URL => $s['url'], CURLOPT_CUSTOMREQUEST => $s['method'], CURLOPT_HTTPHEADER => $lines, CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT => 15]);
        if (!empty($s['body'])) {
            curl_setopt($curl, CURLOPT_POSTFIELDS, $s['body']);
        }
        if (curl_exec($curl) === false) {
            echo $s['url'], ' ', curl_error($curl), "\n";
        }
        continue;
    }
    $options = ['method' => $s['method'], 'header' => $lines, 'timeout' => 15, 'ignore_errors' => true];
    if (!empty($s['body'])) {
        $options['content'] = $s['body'];
    }
    @file_get_contents($s['url'], false, stream_context_create(['http' => $options]));
}
