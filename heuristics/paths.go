package heuristics

// shown is where people do see files that they do not request elsewhere.
type shown uint8

const (
	nowhere shown = iota
	inForge       // where a forge shows the files of a project
	inWiki        // there, and in an encyclopedia, which has articles on them
)

// damningPaths are paths that no person requests on any site, by kind. A path is compared without
// regard to case, decoded and in its shortest form. A pattern is found anywhere in it; but:
//
//	^  before it: at the beginning of the path
//	$  behind it: where no letter follows
//	!  behind it: at the end of the path
//
// What is not here, on purpose: wp-login.php, wp-admin and xmlrpc.php, phpMyAdmin, the consoles of
// Tomcat, Solr, Kibana or Jenkins, actuator's health, info and metrics: operators and apps request
// them. config.json, appsettings.json and config.yml: pages of one-page apps fetch them. Hidden
// names as such: Magnolia, OpenCms, uCoz, Netlify, Azure and Anubis serve people from .resources,
// .content, .s, .netlify, .auth and .within.website. .well-known, which is there to be asked for.
// Words that are the title of a page, without what makes a file of them: articles are named after
// attacks.
var damningPaths = []struct {
	why      string
	shown    shown
	patterns string
}{
	{"environment files: passwords of an application that was deployed with them", inForge, `
		/.env$ .env! /.envrc /.environment$ /env.bak!`},
	{"version control: the source and its history", inForge, `
		/.git$ /.git/ /.git-credentials /.gitconfig /.gitignore! /.gitattributes! /.gitmodules! /.dockerignore! /.npmignore! /.eslintrc /.svn$ /.hg/ /.hg! /.bzr/ /cvs/entries! /cvs/root! /_darcs/`},
	{"accounts and settings of the shell, of clouds and of tools", inWiki, `
		/.aws$ /.ssh$ /.azure/ /.gcloud$ /.config/gcloud /.kube/ /.docker/ /.dockercfg /.dockerenv /.boto! /.s3cfg /.netrc /.npmrc /.yarnrc /.pypirc
		/.pgpass /.my.cnf /.mylogin.cnf /.htpasswd /.htaccess /.passwd! /.shadow! /.gnupg/ /.terraform/ /.terraform! /.vault-token /.composer/auth.json
		/.circleci/ /.travis.yml /.drone.yml /.gitlab-ci.yml /.github/workflows /.bash_ /.bashrc /.zsh_ /.zshrc /.sh_history /.ash_history /.profile! /.history!
		/.mysql_history /.psql_history /.sqlite_history /.rediscli_history /.python_history /.node_repl_history /.viminfo /.vscode/ /.vscode! /.idea/ /.idea! /.sublime
		/.remote-sync /.ftpconfig /.ftpquota /.sftp-config /.ds_store! /.settings/ /.project! /.buildpath! /.wp-config /.config.php /.user.ini! /.credentials
		/.secret! /.secrets$ /.password /.jenkins /.ansible /.streamlit/secrets`},
	{"keys and certificates by their usual names", inWiki, `
		/id_rsa! /id_rsa. /id_dsa! /id_ecdsa! /id_ed25519! /id_ed25519. /server.key! /private.key! /privatekey.key! /privatekey.pem! /private-key.pem! /private_key.pem!
		/privkey.pem! /private.pem! /server.pem! /ssl.key! /tls.key! /localhost.key! /host.key! /key.pem! .ppk! .kdbx! /master.key! /oauth-private.key!
		/serviceaccountkey.json! /service-account.json! /credentials.json! /credentials.csv! /credentials.xml! /rootkey.csv! /secrets.json! /secrets.yml! /secrets.yaml!
		/aws.yml! /wallet.dat! /authorized_keys! /known_hosts!`},
	{"sources and settings under the name of a copy", inForge, `
		.bak! ~! .swp! .swo! .php.old! .php.orig! .php.save! .php.copy! .php.dist! .php.tmp! .php_bak! .php-bak! .php_old! .php.backup! .php.1! /config.php.txt! /configuration.php.txt! /settings.php.txt! /database.php.txt!
		.asp.old! .aspx.old! .jsp.old! .py.old! .inc.old! .conf.old! .config.old! .ini.old! .yml.old! .json.old! .php.zip! .php.gz! .php.tar.gz!
		/wp-config. /wp-config! /wp-config-sample.php /wp-config-backup`},
	{"settings that an application reads from its disk, and never links", inWiki, `
		/web.config! /local.xml! /parameters.yml! /app/etc/env.php! /config/database.yml! /config/database.php! /database.yml! /local_settings.py! /settings.py!
		/sftp-config.json! /sftp.json! /ftpsync.settings! /ws_ftp.ini! /ws_ftp.log! /filezilla.xml! /sitemanager.xml! /recentservers.xml! /docker-compose.y
		^/dockerfile! /application.properties! /application.yml! /application-prod. /application-dev. /bootstrap.yml! /hibernate.cfg.xml! /composer/installed.json! /composer.lock! /composer.json! /yarn.lock! /package-lock.json! ^/jenkinsfile! ^/thumbs.db!
		/storage/logs/laravel.log! /laravel.log! /wp-content/debug.log! /wp-content/backup /error_log! /php.ini! /php_errors.log! /terraform.tfstate /web-inf/ /meta-inf/
		/proftpdpasswd /conf/server.xml! /tomcat-users.xml! ^/nginx.conf! ^/httpd.conf! ^/my.cnf! ^/redis.conf!`},
	{"what the operating system keeps for itself", inWiki, `
		^/etc/passwd ^/etc/shadow ^/etc/hosts! ^/proc/self/ ^/proc/version! /win.ini! /boot.ini! ^/winnt/ ^/windows/system32 /system32/cmd.exe ^/var/log/ ^/root/. ^/home/.`},
	{"inside of an application that serves its own state", nowhere, `
		/actuator/env$ /actuator/heapdump /actuator/threaddump /actuator/gateway /actuator/configprops /actuator/beans /actuator/mappings /actuator/trace
		/actuator/httptrace /actuator/jolokia /actuator/logfile /actuator/shutdown /actuator/restart /actuator/refresh /actuator/dump! /actuator;/ ^/heapdump! ^/threaddump!
		^/jolokia/list ^/jolokia/read ^/jolokia/exec ^/jolokia/version /manage/env! /management/env! /manage/heapdump /phpinfo.php /phpinfo! /php_info.php! /php-info.php!
		/_profiler/phpinfo /_profiler/open /_ignition/
		/server-status! /server-info! /manager/text/ /scripts/setup.php!`},
	{"exploits of applications, by the path that they attack", nowhere, `
		/eval-stdin.php /vendor/phpunit/ /phpunit/src/util /phpunit/util/php /wls-wsat/ /_async/asyncresponse /invoker/jmxinvoker /invoker/ejbinvoker /invoker/readonly
		/jmx-console/ /web-console/invoker /mgmt/tm/util/bash /mgmt/shared/authn /mgmt/shared/gossip /vpns/cfg /ecp/current/exporttool /autodiscover/autodiscover.json@
		^/struts2-showcase ^/struts2-rest-showcase /geoserver/testwfspost /wp-content/plugins/wp-file-manager/lib/php/connector /wp-content/plugins/revslider/temp
		^/containers/json! ^/v1.24/containers /doenterpagevariables /weaver/bsh /bsh.servlet /bshservlet /tmui/login.jsp/ /portal/redlion /level/15/exec ^/functionrouter! /ztp/cgi-bin/ /hybridity/telemetry`},
	{"shells that somebody may have left behind", nowhere, `
		/shell.php! /shell.jsp! /shell.asp! /shell.aspx! /cmd.php! /cmd.jsp! /cmd.asp! /cmd.aspx! /c99.php! /r57.php! /c100.php! /b374k.php! /wso.php! /wso1.php! /wso2.php!
		/alfa.php! /alfa-rex.php /alfanew.php /alfacgiapi /alfa_data /webshell.php! /webshell.jsp! /webshell.aspx! /web-shell.php! /minishell.php! /mini-shell.php! /phpspy.php!
		/antsword.php! /godzilla.jsp! /weevely.php! /p0wny.php! /p0wny-shell.php! /backdoor.php! /leaf.php! /leafmailer.php /adminfuns.php! /xmrlpc.php! /cmdshell.php!`},
	{"programs where a server runs any file", nowhere, `
		/cgi-bin/sh! /cgi-bin/bash! /cgi-bin/bin/ /cgi-bin/ash! /cgi-bin/php$ /cgi-bin/php4 /cgi-bin/php5 /cgi-bin/php7 /cgi-bin/php8 /cgi-bin/php-cgi /cgi-bin/php.cgi
		/cgi-bin/perl! /cgi-bin/perl.exe /cgi-bin/python! /cgi-bin/test-cgi /cgi-bin/test.cgi /cgi-bin/printenv /cgi-bin/env.cgi /cgi-bin/kerbynet /cgi-bin/jarrewrite.sh
		/cgi-bin/viewlog.asp /cgi-bin/nas_sharing.cgi /cgi-bin/defaultwebpage.cgi /cgi-bin/luci/;stok=/ /cgi-bin/slogin/ /cgi-bin/supervisor/ /cgi-bin/mainfunction.cgi
		/cgi-bin/downloadflash /cgi-bin/zysh-cgi /cgi-bin/system_mgr.cgi /cgi-bin/account_mgr.cgi /cgi-bin/login_mgr.cgi /cgi-bin/cstecgi.cgi /cgi-bin/admin/shell /cgi-bin/cmd
		/cgi-bin/shell /cgi-mod/ /bin/sh! /bin/bash!`},
	{"routers, cameras and recorders", nowhere, `
		^/gponform/ ^/boaform/ ^/goform/ ^/hnap1 ^/setup.cgi ^/currentsetting.htm ^/tmunblock.cgi ^/hndunblock.cgi ^/picsdesc.xml ^/wanipcn.xml ^/upnpdev.xml ^/ud/act!
		^/ctrlt/deviceupgrade ^/device.rsp ^/sdk/weblanguage ^/isapi/security ^/isapi/system ^/evox/about ^/apply_sec.cgi ^/apply.cgi! ^/diagnostic.cgi ^/ping.cgi! ^/sysconf.cgi
		^/onvif/device_service ^/psia/ ^/pwdgrp.cgi ^/jaws/1.0 ^/config/getuser ^/getcfg.php! ^/hedwig.cgi ^/service.cgi! ^/soap.cgi ^/command.php! ^/dnscfg.cgi ^/backupmgt/
		^/maker/snwrite.cgi ^/web_shell_cmd.gch ^/getpage.gch ^/userrpm/ ^/password.cgi ^/rom-0! ^/stssys.htm ^/system.ini! ^/editblacklist ^/card_scan_decoder.php
		^/adv,/cgi-bin ^/ajax/getrouter ^/nmaplowercheck`},
	{"what clouds tell a machine of itself", nowhere, `
		^/latest/meta-data /latest/meta-data/ /169.254.169.254/latest /169.254.169.254/metadata /169.254.169.254/computemetadata ^/latest/dynamic/ ^/latest/user-data! ^/latest/api/token! /computemetadata/v1 ^/metadata/instance ^/metadata/identity/oauth2
		/opc/v1/instance /opc/v2/instance /openstack/latest/meta ^/metadata/v1/user-data ^/metadata/v1.json! ^/hetzner/v1/metadata`},
}

// dumpSuffixes make a dump of a database of any name at the root or in one of backupFolders, and of
// one of wholeSites anywhere.
var dumpSuffixes = []string{".sql", ".sql.gz", ".sql.zip", ".sql.bz2", ".sql.xz", ".sql.tar.gz",
	".sql.7z", ".sql.rar", ".dump"}

// backupFolders are folders without links to them.
var backupFolders = []string{"backup", "backups", "bak", "bkp", "dump", "dumps", "db", "sql",
	"mysql", "database", "databases", "old"}

// archiveSuffixes with one of wholeSites, or with the host, before them are an archive of the site.
var (
	archiveSuffixes = []string{".zip", ".tar", ".tar.gz", ".tgz", ".gz", ".bz2", ".tar.bz2",
		".tar.xz", ".rar", ".7z", ".old", ".tar.z",
		".db", ".mdb", ".sqlite", ".sqlite3"}
	wholeSites = []string{"backup", "backups", "back", "bak", "bck", "bkp", "site-backup",
		"website-backup", "db-backup", "db_backup", "backup-db", "backup_db", "dump",
		"database", "db", "sql", "mysql", "www", "wwwroot", "web", "website", "site", "htdocs",
		"html", "public_html", "httpdocs", "webroot", "root", "old", "inetpub", "localhost",
		"production",
		"prod", "full", "full_backup", "full-backup", "sitebackup"}
)
