package heuristics

// level is where a mark of an attack counts.
type level uint8

const (
	// inParameters: in a parameter that no person writes. People search for names of files and
	// functions.
	inParameters level = iota
	// inHeaders: in such a parameter, and in a header field but Referer and Cookie.
	inHeaders
	// anywhere: neither a person nor a browser writes it.
	anywhere
	// afterQuote: behind the end of a value. These words of SQL are also words of English.
	afterQuote
	// climbing: a step out of a folder. Several of them count.
	climbing
)

// attackMarks are what attacks contain, by kind, after escapes were decoded, in lower case, with
// one space for plus signs, blanks and comments of SQL, and slashes for backslashes. One that ends
// with $ counts only where no letter follows; ~ stands for a space.
var attackMarks = []struct {
	why   string
	level level
	marks string
}{
	{"lookups of Log4j, also in disguise", anywhere,
		"${jndi: ${${ ${lower: ${upper: ${env: ${sys: ${::- ${date: ${main: ${ctx: ${java:"},
	{"functions in the environment of a shell (CVE-2014-6271)", anywhere,
		"()~{~:; ()~{:;}; ()~{~ignored ()~{~foo ()~{~test ()~{~}"},
	{"commands that fetch a program", anywhere, `
		;wget~ ;~wget~ |wget~ |~wget~ &&wget~ &&~wget~ $(wget~ ${ifs} $ifs$ $(curl~ ;curl~http ;~curl~http |curl~http |~curl~http &&curl~http &&~curl~http
		$(nslookup~ $(ping~ ;nslookup~ |nslookup~ ;ping~-c |ping~-c &ping~-n
		cd~/tmp;~ cd~/tmp;wget cd~/tmp;rm cd~/tmp;curl cd~/tmp~||~ cd~/var/run~||~`},
	{"functions in the environment of a shell, where no script is written", inHeaders, "()~{"},
	{"commands", inHeaders, "$(id) $(whoami) $(uname `id` `id~ `sleep~ `whoami` `uname `wget~ `curl~ `nslookup~ `ping~"},
	{"commands", inHeaders, "/bin/sh /bin/bash /etc/passwd /etc/shadow ;cat~/ ;~cat~/ |cat~/ |~cat~/ &&~cat~/ $(cat~"},
	{"commands", inParameters, `
		cmd.exe cmd~/c powershell~- powershell.exe /powershell? /powershell/? busybox~ /dev/tcp/ nc~-e chmod~777 chmod~+x rm~-rf~/ tftp~-g certutil~-urlcache bitsadmin~/transfer mkfifo~/tmp`},
	{"commands", inParameters, `
		;curl~ ;~curl~ |curl~ &&curl~ $(sleep~ ;sleep~ |sleep~ ;~sleep~ ;ls~ |ls~ ;~ls~ |~ls~ |whoami ;whoami ;uname~ |uname~ ;phpinfo() ;system( |bash$ |~bash$ |sh; |~sh; ;reboot; todo=syscmd cmd=id$ cmd=ls$ cmd=pwd$ cmd=whoami cmd=uname cmd=cat~ exec=id$ ping~-c~ ping~-n~`},
	{"PHP", inHeaders, "<?php <?= ${@print"},
	{"PHP", inParameters, `
		allow_url_include auto_prepend_file auto_append_file call_user_func( base64_decode( shell_exec( passthru( phpinfo() system(' system(" eval($_ :{s: :{i:
		assert($_ file_put_contents( php://input php://filter php://output php://fd expect:// phar:// gopher:// data://text data:text/plain;base64 file:/// vars[0]=`},
	{"ThinkPHP", anywhere, "/invokefunction /think/app/ /think/container/ /think/request/ call_user_func_array"},
	{"Java", anywhere, "%{(# %{# ognl.ognlcontext /mapi/nspi/ constructor.constructor( class.module.classloader java.lang.runtime java.lang.processbuilder @java.lang. t(java.lang #_memberaccess getruntime().exec freemarker.template.utility.execute"},
	{"templates", inParameters, "{{7*7}} ${7*7} #{7*7} <%=7*7 {{config <%out. <%@ <%! {{self. {{''.__class__ {{request. __class__.__ __import__( new~java."},
	{"scripts in a page", anywhere, `"><script '><script <script>alert( "><img "><svg '><img '><svg onerror=alert( onload=alert( javascript:alert( onfocus=alert( confirm(document. alert(document.`},
	{"scripts in a page", inParameters, `<script <svg/ <svg~on <img~src <iframe ~onerror= "onerror= 'onerror= ~onload= /onload= "onmouseover= '~onmouseover= javascript:prompt`},
	{"files of the machine", inParameters, `
		/proc/self/ /proc/version /proc/cpuinfo win.ini boot.ini system32/ /web-inf/ wp-config.php .git/config .git/head ../config. ../.env ../.git .aws/credentials .ssh/id_ /etc/hosts /etc/group /etc/issue
		/var/log/apache /var/log/nginx /var/log/auth /.env$ c:/windows c:/boot`},
	{"what clouds tell a machine of itself", inParameters, "//169.254.169.254 169.254.169.254] //metadata.google.internal //100.100.100.200 //[fd00:ec2::254] //2852039166 //0xa9fea9fe //metadata.tencentyun"},
	{"steps out of a folder", climbing, "../ ..;/"},
	{"SQL that asks for more", afterQuote, "union~select union~all~select union~distinct~select union(select union~all(select or~ and~ || && xor~ xor( or( and( or' and' or\" and\" rlike~ having~"},
	{"SQL that ends a statement and begins another", afterQuote, "waitfor~delay ;waitfor~delay drop~table ;drop~table drop~database ;drop~database insert~into delete~from order~by~ group~by~"},
	{"SQL in a value that is put into a statement", anywhere, "||case~when &&case~when"},
	{"SQL that ends a statement and begins another", anywhere, "';exec~ ';~exec~ ';drop~table ';~drop~table ';waitfor~ ';~waitfor~ ';declare~@ ';insert~into ';~insert~into ';delete~from ';~delete~from"},
	{"SQL that ends in a comment", anywhere, `'--~- '~--~- ')--~-`},
	{"SQL by itself", inParameters, `
		information_schema sleep(5) sleep(10) sleep(15) sleep(3) sleep(2) sleep(1) sleep(6) sleep(7) sleep(8) sleep(9) sleep(20) (select(0)from(select( (select~ (select( benchmark( pg_sleep( waitfor~delay~'
		extractvalue( updatexml( xp_cmdshell load_file( concat(0x group_concat( @@version dbms_pipe.receive utl_inaddr. into~outfile into~dumpfile if(now()= =sysdate() union~all~select~ union~select~1, union~select~null union~select~concat union~select~char( union~select~0x union~select~@@
		union~select~version( union~select~user( union~select~' randomblob( ;select~ ;~select~ ;waitfor~ ;~waitfor~ ;drop~ ;~drop~table ;insert~ ;~insert~into ;update~ ;~update~ ;delete~ ;~delete~from ;exec~ ;~exec~ ;declare~
		char(113) procedure~analyse(`},
}

// writtenByPeople are the names of parameters that hold what a person wrote, or searched for.
var writtenByPeople = []string{
	"q", "s", "query", "search", "keyword", "keywords", "kw", "term", "terms", "text", "wd", "word", "words", "find", "phrase", "question", "message", "comment", "title", "body",
	"description", "subject", "prompt", "search_query", "searchterm", "search_term", "searchtext", "note", "topic",
}
