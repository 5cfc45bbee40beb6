package worlds

import "time"

// flavour is one way to build sites of a kind: patterns for dice.fill; ~ is the site's ending.
type flavour struct {
	home, list, item, info, account, search, login, forms, calls, files, endings []string
}

// blueprint is a kind of site, with the ranges in which its sites differ.
type blueprint struct {
	flavours []flavour
	labels   []string   // of the host
	mobile   [2]float64 // share of telephones
	cdn      float64    // chance that assets are on another host
	polls    float64    // chance that pages poll
	calls    int        // of a page, at most
	images   int        // of a page, at most
	depth    [2]float64 // chance to go on to another page
	dwell    [2]time.Duration
	posts    float64
	weights  [numPageKinds]int
	single   bool
	remote   bool // whether the API is on another host
}

// Kinds lists the kinds of sites.
var Kinds = []string{"php", "aspnet", "jsp", "blog", "shop", "forum", "wiki", "webmail", "spa", "spa-remote", "news", "downloads", "rest", "mobile"}

const (
	second = time.Second
)

var www = []string{"", "www.", "www.", "www2."}

var blueprints = map[string]*blueprint{
	"php": {labels: www, mobile: [2]float64{0.2, 0.8}, cdn: 0.4, polls: 0.05, calls: 2, images: 14, depth: [2]float64{0.35, 0.8}, dwell: [2]time.Duration{8 * second, 50 * second},
		posts: 0.08, weights: [numPageKinds]int{3, 3, 6, 2, 1, 1}, flavours: []flavour{
			{home: []string{"/", "/index.php"}, list: []string{"/{w}.php?cat={i}", "/{w}/index.php?p={i}"}, item: []string{"/{w}.php?id={n}", "/show_{w}.php?{w}={n}&lang=en", "/index.php?page={w}&nr={n}"},
				info: []string{"/{w}.php", "/about_{w}.php"}, account: []string{"/member/{w}.php"}, search: []string{"/results.php?q={q}", "/index.php?do=search&story={q}"}, login: []string{"/signin.php", "/user/login.php"},
				forms: []string{"/send_{w}.php", "/{w}.php?action=save"}, calls: []string{"/ajax/{w}.php?t={i}", "/ajax.php?m={w}"}},
			{home: []string{"/", "/index.php"}, list: []string{"/index.php/{w}/{w}", "/index.php?option=com_{w}&view=category&id={i}"}, item: []string{"/index.php/{w}/{i}-{s}", "/index.php?option=com_{w}&view=article&id={n}"},
				info: []string{"/index.php/{w}"}, search: []string{"/index.php/component/search/?searchword={q}"}, login: []string{"/index.php/component/users/?view=login"}, calls: []string{"/index.php?option=com_ajax&module={w}&format=json"}},
			{home: []string{"/"}, list: []string{"/category/{w}/", "/tag/{s}/"}, item: []string{"/{s}/", "/{w}/{s}/", "/?page_id={i}"}, info: []string{"/{w}/", "/{w}-{w}/"},
				search: []string{"/?s={q}&post_type=any"}, login: []string{"/wp-login.php", "/my-account/"}, forms: []string{"/wp-comments-post.php", "/wp-admin/admin-ajax.php"}, calls: []string{"/wp-admin/admin-ajax.php?action={w}", "/wp-json/{w}/v1/{w}"}},
		}},
	"aspnet": {labels: []string{"", "www.", "portal.", "my.", "online."}, mobile: [2]float64{0.1, 0.6}, cdn: 0.2, polls: 0.25, calls: 3, images: 8, depth: [2]float64{0.5, 0.88}, dwell: [2]time.Duration{8 * second, 60 * second},
		posts: 0.25, weights: [numPageKinds]int{3, 3, 5, 2, 1, 4}, flavours: []flavour{
			{home: []string{"/", "/Home.aspx", "/Default.aspx"}, list: []string{"/{W}/{W}List.aspx", "/{W}List.aspx?Category={i}"}, item: []string{"/{W}/{W}.aspx?{W}ID={n}", "/{W}Details.aspx?id={u}"}, info: []string{"/{W}.aspx", "/Pages/{W}.aspx"},
				account: []string{"/Account/{W}.aspx", "/Secure/{W}.aspx?tab={i}"}, search: []string{"/SearchResults.aspx?k={q}"}, login: []string{"/Account/SignIn.aspx", "/Logon.aspx?ReturnUrl=%2f{W}.aspx"},
				forms: []string{"/{W}.aspx"}, calls: []string{"/{W}.asmx/Get{W}", "/{W}Handler.ashx?id={n}", "/signalr/negotiate?clientProtocol=2.1&_={n}"}},
			{home: []string{"/"}, list: []string{"/{W}/Index", "/{W}/Browse/{i}"}, item: []string{"/{W}/Details/{n}", "/{W}/View/{u}"}, info: []string{"/Home/{W}"}, account: []string{"/Manage/{W}"}, search: []string{"/Search?term={q}"},
				login: []string{"/Account/Login"}, forms: []string{"/{W}/Create", "/{W}/Edit/{n}"}, calls: []string{"/{W}/Load{W}?page={i}", "/umbraco/api/{w}/get{w}"}},
			{home: []string{"/", "/main.asp"}, list: []string{"/{w}.asp?k={i}"}, item: []string{"/{w}_detail.asp?no={n}"}, info: []string{"/{w}.asp"}, account: []string{"/member/{w}.asp"}, search: []string{"/find.asp?text={q}"}, login: []string{"/member/logon.asp"}, forms: []string{"/{w}_save.asp"}},
		}},
	"jsp": {labels: []string{"", "www.", "portal.", "apps.", "service."}, mobile: [2]float64{0.05, 0.5}, cdn: 0.15, polls: 0.15, calls: 2, images: 8, depth: [2]float64{0.5, 0.88}, dwell: [2]time.Duration{8 * second, 60 * second},
		posts: 0.25, weights: [numPageKinds]int{3, 3, 5, 2, 1, 3}, flavours: []flavour{
			{home: []string{"/", "/index.jsp", "/{w}/home.jsp"}, list: []string{"/{w}/list.jsp?type={i}"}, item: []string{"/{w}/view.jsp?oid={n}", "/{w}/{w}.jsp?id={n}&v={i}"}, info: []string{"/{w}.jsp"}, account: []string{"/secure/{w}.jsp"},
				search: []string{"/search/result.jsp?query={q}"}, login: []string{"/auth/signon.jsp"}, forms: []string{"/{w}Servlet"}, calls: []string{"/servlet/{W}?cmd={w}", "/dwr/call/plaincall/{W}.get{W}.dwr"}},
			{home: []string{"/", "/{w}/welcome.do"}, list: []string{"/{w}/list{W}.do?page={i}", "/{w}.action?group={i}"}, item: []string{"/{w}/show{W}.do?id={n}", "/{w}!view.action?id={n}"}, info: []string{"/{w}.do"}, account: []string{"/user/{w}.do"},
				search: []string{"/find.do?text={q}"}, login: []string{"/logon.do", "/j_security_login"}, forms: []string{"/{w}/save.do"}},
			{home: []string{"/", "/faces/index.xhtml"}, list: []string{"/faces/{w}.xhtml?cid={i}"}, item: []string{"/faces/{w}/{w}.xhtml?id={n}", "/web/guest/{w}/-/{w}/{n}"}, info: []string{"/web/guest/{w}"}, account: []string{"/group/{w}/home"},
				search: []string{"/web/guest/find?p_p_id={i}&q={q}"}, login: []string{"/c/portal/login"}, forms: []string{"/faces/{w}.xhtml"}, calls: []string{"/c/portal/render_portlet?p_l_id={n}"}},
		}},
	"blog": {labels: []string{"", "blog.", "www."}, mobile: [2]float64{0.3, 0.8}, cdn: 0.35, polls: 0, calls: 1, images: 10, depth: [2]float64{0.15, 0.6}, dwell: [2]time.Duration{20 * second, 150 * second},
		posts: 0.02, weights: [numPageKinds]int{3, 2, 9, 1, 1, 0}, flavours: []flavour{
			{home: []string{"/"}, list: []string{"/tags/{w}/", "/page/{i}/", "/categories/{w}/"}, item: []string{"/posts/{s}/", "/p/{s}", "/notes/{y}/{s}/"}, info: []string{"/{w}/"}, search: []string{"/?q={q}"}, forms: []string{"/comments", "/subscribe"}},
			{home: []string{"/", "/index.html"}, list: []string{"/archive/{y}.html", "/label/{w}.html"}, item: []string{"/{y}/{m}/{s}.html", "/{w}/{s}.html", "/{y}-{m}-{d}-{s}.html"}, info: []string{"/{w}.html"}, forms: []string{"/cgi-bin/comment.cgi"}},
			{home: []string{"/"}, list: []string{"/author/{w}", "/topics/{w}"}, item: []string{"/{s}-{h}", "/@{w}/{s}-{h}"}, info: []string{"/{w}"}, search: []string{"/search?text={q}"}, calls: []string{"/_/batch?c={k}", "/ghost/api/content/posts/?key={k}&limit={i}"}},
		}},
	"shop": {labels: []string{"", "www.", "shop.", "store."}, mobile: [2]float64{0.3, 0.85}, cdn: 0.35, polls: 0.08, calls: 4, images: 32, depth: [2]float64{0.45, 0.86}, dwell: [2]time.Duration{6 * second, 40 * second},
		posts: 0.14, weights: [numPageKinds]int{3, 6, 7, 1, 3, 1}, flavours: []flavour{
			{home: []string{"/"}, list: []string{"/collections/{s}?sort_by={w}", "/collections/{w}"}, item: []string{"/products/{s}", "/products/{s}?variant={n}"}, info: []string{"/pages/{s}", "/policies/{w}"}, account: []string{"/account/{w}"}, search: []string{"/search?type=product&q={q}"},
				login: []string{"/account/login"}, forms: []string{"/cart/add", "/cart/change", "/localization"}, calls: []string{"/cart.js", "/recommendations/products?product_id={n}&limit=4", "/products/{s}.json"}},
			{home: []string{"/", "/{w}~"}, list: []string{"/{w}/{w}/c-{n}~", "/c/{w}?brand={w}&price={g}-{g}&color={w}", "/{w}~?p={i}&order={w}"}, item: []string{"/{w}/{s}-p{n}~", "/dp/{k}", "/{s}_{n}~"}, info: []string{"/service/{w}~"}, account: []string{"/my/{w}~"},
				search: []string{"/s?k={q}&ref={w}", "/catalogsearch/result/?q={q}"}, login: []string{"/customer/account/login/", "/my/signin~"}, forms: []string{"/basket/add", "/checkout/save{W}"}, calls: []string{"/basket/mini", "/stock/{n}", "/customer/section/load/?sections={w}&_={n}"}, endings: []string{".html", "/", ".htm"}},
			{home: []string{"/"}, list: []string{"/index.php?route=product/category&path={i}_{i}"}, item: []string{"/index.php?route=product/product&product_id={n}"}, info: []string{"/index.php?route=information/information&information_id={i}"}, account: []string{"/index.php?route=account/{w}"},
				search: []string{"/index.php?route=product/search&search={q}"}, login: []string{"/index.php?route=account/login"}, forms: []string{"/index.php?route=checkout/cart/add"}, calls: []string{"/index.php?route=common/cart/info"}},
		}},
	"forum": {labels: []string{"", "forum.", "community.", "board.", "www."}, mobile: [2]float64{0.2, 0.7}, cdn: 0.2, polls: 0.3, calls: 2, images: 20, depth: [2]float64{0.4, 0.9}, dwell: [2]time.Duration{12 * second, 90 * second},
		posts: 0.06, weights: [numPageKinds]int{3, 5, 10, 1, 1, 1}, flavours: []flavour{
			{home: []string{"/", "/forum/"}, list: []string{"/forums/{s}.{i}/", "/forums/{w}.{i}/page-{i}"}, item: []string{"/threads/{s}.{n}/", "/threads/{s}.{n}/page-{i}", "/posts/{n}/"}, info: []string{"/help/{w}/"}, account: []string{"/account/{w}", "/conversations/"},
				search: []string{"/search/{n}/?q={q}&o=date"}, login: []string{"/login/login"}, forms: []string{"/threads/{s}.{n}/add-reply"}, calls: []string{"/account/alerts-popup?_xfRequestUri=%2F&_={n}", "/job.php"}},
			{home: []string{"/", "/index.php"}, list: []string{"/forumdisplay.php?fid={i}", "/forum-{i}.html", "/board.php?b={i}"}, item: []string{"/thread-{n}.html", "/printthread.php?tid={n}", "/thread-{n}-post-{n}.html", "/topic.php?id={n}&page={i}"}, info: []string{"/misc.php?action={w}"},
				account: []string{"/usercp.php?action={w}", "/private.php"}, search: []string{"/search.php?action=do_search&words={q}"}, login: []string{"/member.php?action=login"}, forms: []string{"/newreply.php?tid={n}"}, calls: []string{"/xmlhttp.php?action=get_{w}"}},
			{home: []string{"/"}, list: []string{"/f{i}-{w}", "/section/{i}/{w}"}, item: []string{"/topic/{n}-{s}/", "/topic/{n}-{s}/?page={i}", "/t{n}-{s}"}, info: []string{"/{w}/"}, search: []string{"/find/?text={q}&type=all"}, login: []string{"/signin/"}, forms: []string{"/topic/{n}/reply"}, calls: []string{"/notifications/count"}},
		}},
	"wiki": {labels: []string{"", "wiki.", "docs.", "kb."}, mobile: [2]float64{0.1, 0.6}, cdn: 0.15, polls: 0, calls: 1, images: 10, depth: [2]float64{0.3, 0.8}, dwell: [2]time.Duration{15 * second, 120 * second},
		posts: 0.02, weights: [numPageKinds]int{2, 2, 10, 1, 2, 0}, flavours: []flavour{
			{home: []string{"/wiki/Main_Page", "/"}, list: []string{"/wiki/Category:{S}", "/wiki/Special:{W}"}, item: []string{"/wiki/{S}", "/wiki/{W}:{S}"}, info: []string{"/wiki/Help:{W}"}, search: []string{"/w/index.php?search={q}&ns0=1"}, login: []string{"/w/index.php?title=Special:UserLogin"},
				forms: []string{"/w/index.php?title={S}&action=submit"}, calls: []string{"/w/api.php?action=opensearch&search={w}&format=json", "/w/load.php?modules={w}&only=scripts"}},
			{home: []string{"/doku.php", "/start"}, list: []string{"/doku.php?id={w}:start", "/{w}:start"}, item: []string{"/doku.php?id={w}:{w}", "/{w}:{w}:{w}"}, info: []string{"/{w}"}, search: []string{"/doku.php?do=search&id={q}"}, login: []string{"/doku.php?id=start&do=login"}, forms: []string{"/doku.php"}, calls: []string{"/lib/exe/ajax.php?call={w}"}},
			{home: []string{"/", "/latest/"}, list: []string{"/en/latest/{w}/index.html", "/display/{W}/Home"}, item: []string{"/en/latest/{w}/{s}.html", "/display/{W}/{S}", "/pages/viewpage.action?pageId={n}"}, info: []string{"/en/latest/genindex.html"}, search: []string{"/en/latest/search.html?q={q}&check_keywords=yes"}, calls: []string{"/_/api/v2/{w}/?project={w}"}},
		}},
	"webmail": {labels: []string{"mail.", "webmail.", "post.", "remote."}, mobile: [2]float64{0.05, 0.4}, cdn: 0.05, polls: 0.97, calls: 4, images: 3, depth: [2]float64{0.7, 0.93}, dwell: [2]time.Duration{25 * second, 240 * second},
		posts: 0.15, weights: [numPageKinds]int{2, 3, 7, 1, 1, 2}, flavours: []flavour{
			{home: []string{"/", "/?_task=mail"}, list: []string{"/?_task=mail&_mbox={W}", "/?_task=mail&_action=list&_mbox={W}&_page={i}"}, item: []string{"/?_task=mail&_caps=pdf%3D1&_uid={n}&_mbox={W}&_action=show"}, account: []string{"/?_task=settings&_action={w}", "/?_task=addressbook"}, search: []string{"/?_task=mail&_action=search&_q={q}"},
				login: []string{"/?_task=login"}, forms: []string{"/?_task=mail&_action=send"}, calls: []string{"/?_task=mail&_action=refresh&_remote=1&_unlock={k}", "/?_task=mail&_action=check-recent&_t={n}"}},
			{home: []string{"/mail/inbox.aspx", "/mail/"}, list: []string{"/mail/folder.aspx?f={W}", "/mail/folder.aspx?f={k}"}, item: []string{"/mail/message.aspx?id={k}{k}", "/mail/reading.aspx?mid={n}&p={i}"}, account: []string{"/mail/options.aspx?p={w}", "/calendar/month.aspx"}, search: []string{"/mail/find.aspx?q={q}"},
				login: []string{"/auth/signin.aspx?returnTo=%2fmail%2f"}, forms: []string{"/mail/compose.aspx"}, calls: []string{"/mail/events.ashx?since={n}", "/mail/service.asmx/GetUnread", "/mail/ping.ashx?seq={n}"}},
			{home: []string{"/", "/zimbra/"}, list: []string{"/h/search?sfi={i}&st=conversation", "/modern/email/{W}"}, item: []string{"/h/message?id={n}", "/modern/email/{W}/conversation/{n}"}, account: []string{"/h/options"}, search: []string{"/h/search?query={q}"}, login: []string{"/?loginOp=login"}, forms: []string{"/h/compose"},
				calls: []string{"/service/soap/NoOpRequest", "/service/soap/SearchRequest", "/jsonrpc?method=poll&id={n}"}},
		}},
	"spa": {labels: []string{"", "app.", "my.", "dashboard.", "console."}, mobile: [2]float64{0.1, 0.8}, cdn: 0.2, polls: 0.45, calls: 6, images: 6, depth: [2]float64{0.55, 0.9}, dwell: [2]time.Duration{6 * second, 60 * second},
		posts: 0.25, single: true, weights: [numPageKinds]int{4, 3, 6, 1, 1, 3}, flavours: apps},
	"spa-remote": {labels: []string{"", "app.", "www.", "go."}, mobile: [2]float64{0.1, 0.8}, cdn: 0.5, polls: 0.45, calls: 6, images: 6, depth: [2]float64{0.55, 0.9}, dwell: [2]time.Duration{6 * second, 60 * second},
		posts: 0.25, single: true, remote: true, weights: [numPageKinds]int{4, 3, 6, 1, 1, 3}, flavours: apps},
	"news": {labels: []string{"www.", "", "m."}, mobile: [2]float64{0.4, 0.9}, cdn: 0.45, polls: 0.35, calls: 3, images: 36, depth: [2]float64{0.2, 0.7}, dwell: [2]time.Duration{15 * second, 100 * second},
		posts: 0.02, weights: [numPageKinds]int{5, 3, 9, 1, 1, 0}, flavours: []flavour{
			{home: []string{"/"}, list: []string{"/{w}/", "/{w}/{w}"}, item: []string{"/{w}/{y}/{m}/{d}/{s}~", "/{w}/{s}-{n}~", "/news/{w}-{n}", "/{w}/{w}/{s}-a-{u}~"}, info: []string{"/about/{w}"}, account: []string{"/subscribe/{w}"}, search: []string{"/archiv?query={q}", "/search/?q={q}&sort=newest"},
				login: []string{"/anmelden", "/user/login"}, forms: []string{"/comments/add"}, calls: []string{"/live/{n}/updates", "/api/teasers?section={w}", "/_fragments/{w}/{h}"}, endings: []string{".html", "/", ".ece"}},
			{home: []string{"/", "/index.shtml"}, list: []string{"/rubrik/{i}.shtml"}, item: []string{"/story.shtml?sid={n}", "/art/{n}/{s}.shtml"}, info: []string{"/{w}.shtml"}, search: []string{"/arc.cgi?q={q}"}, calls: []string{"/ticker.json?n={i}"}},
		}},
	"downloads": {labels: []string{"", "download.", "files.", "dl.", "ftp.", "mirror."}, mobile: [2]float64{0.02, 0.4}, cdn: 0.2, polls: 0, calls: 0, images: 6, depth: [2]float64{0.3, 0.75}, dwell: [2]time.Duration{6 * second, 60 * second},
		posts: 0.01, weights: [numPageKinds]int{2, 5, 5, 1, 1, 0}, flavours: []flavour{
			{home: []string{"/", "/pub/"}, list: []string{"/pub/{w}/", "/pub/{w}/{i}.{i}/", "/{w}/releases/"}, item: []string{"/pub/{w}/{w}-{i}.{i}.html", "/project/{w}/{i}.{i}/"}, info: []string{"/README.html", "/{w}.html"}, search: []string{"/find?name={q}"},
				files: []string{"/pub/{w}/{w}-{i}.{i}.tar.gz", "/pub/{w}/{w}_{i}.{i}_amd64.deb", "/files/{x}/{w}.zip", "/pub/{w}/{w}-{i}.iso"}},
			{home: []string{"/", "/software/"}, list: []string{"/software/{w}/", "/drivers?model={k}"}, item: []string{"/software/{w}/{s}", "/get/{n}"}, info: []string{"/{w}"}, search: []string{"/software?q={q}"},
				files: []string{"/download/{n}/{w}-setup.exe", "/media/{w}/{s}.mp4", "/docs/{s}.pdf", "/dl.php?id={n}&f={w}.zip"}},
		}},
	"rest": {labels: []string{"api.", "rest.", "data.", "ws."}, mobile: [2]float64{0.05, 0.5}, cdn: 0.2, polls: 0, calls: 2, images: 2, depth: [2]float64{0.3, 0.7}, dwell: [2]time.Duration{10 * second, 90 * second},
		posts: 0.02, weights: [numPageKinds]int{3, 2, 6, 2, 0, 1}, flavours: []flavour{
			{home: []string{"/docs", "/"}, list: []string{"/docs/{w}"}, item: []string{"/docs/{w}/{w}", "/reference/{w}#{w}"}, info: []string{"/{w}"}, account: []string{"/console/{w}"}, login: []string{"/oauth/authorize?client_id={k}", "/v1/sessions"}, forms: []string{"/v1/{w}"},
				calls: []string{"/v1/{w}?limit={i}", "/v1/{w}/{n}", "/v2/{w}/{u}", "/v1/{w}/{w}.json?since={n}", "/openapi.json"}},
			{home: []string{"/", "/swagger-ui/"}, list: []string{"/guide/{w}.html"}, item: []string{"/guide/{w}/{w}.html"}, info: []string{"/status.html"}, account: []string{"/keys"}, login: []string{"/token"}, forms: []string{"/graphql", "/rpc"},
				calls: []string{"/rest/{w}/{n}", "/rest/{w}?filter={w}&top={i}", "/odata/{W}(%27{k}%27)", "/geo/{w}?x={i}&y={i}", "/query?format=json&s={k}"}},
		}},
	"mobile": {labels: []string{"api.", "m.", "mobile.", "app-backend."}, mobile: [2]float64{0.7, 1}, cdn: 0.5, polls: 0.5, calls: 4, images: 14, depth: [2]float64{0.6, 0.9}, dwell: [2]time.Duration{4 * second, 40 * second},
		posts: 0.3, weights: [numPageKinds]int{4, 2, 4, 1, 1, 1}, flavours: []flavour{
			{home: []string{"/", "/app"}, list: []string{"/share/{w}"}, item: []string{"/share/{k}", "/i/{k}?src=app"}, info: []string{"/legal/{w}"}, account: []string{"/invite/{k}"}, login: []string{"/auth/v2/token"}, forms: []string{"/v4/events", "/v4/{w}/like"},
				calls: []string{"/v4/feed?cursor={k}", "/v4/users/{n}", "/v4/{w}/{n}/{w}", "/config/android?ver={i}", "/v4/{w}?lat={i}.{i}&lng={i}.{i}", "/m/api/{w}.json?uid={n}"}},
		}},
}

// apps are the patterns of single-page apps: few pages, many calls.
var apps = []flavour{
	{home: []string{"/", "/app/"}, list: []string{"/{w}", "/workspace/{w}"}, item: []string{"/{w}/{n}", "/workspace/{w}/{u}"}, info: []string{"/help/{w}"}, account: []string{"/settings/{w}"}, search: []string{"/find?q={q}"}, login: []string{"/auth/session", "/api/auth/signin"}, forms: []string{"/api/{w}"},
		calls: []string{"/api/v1/{w}", "/api/v1/{w}/{n}", "/api/{w}?page={i}&per_page=20", "/api/{w}/{u}/{w}", "/trpc/{w}.{w}?batch=1&input=%7B%220%22%3A%7B%22id%22%3A{n}%7D%7D"}},
	{home: []string{"/"}, list: []string{"/d/{w}"}, item: []string{"/d/{k}/{s}"}, info: []string{"/welcome"}, account: []string{"/profile/{w}"}, login: []string{"/login/submit"}, forms: []string{"/graphql", "/gql"},
		calls: []string{"/graphql?op={W}{W}", "/gql?query={W}&variables=%7B%22first%22%3A{i}%7D", "/svc/{w}.svc/{W}", "/data/{w}.json?v={h}"}},
	{home: []string{"/", "/ui/index.html"}, list: []string{"/ui/{w}.html"}, item: []string{"/ui/{w}.html?id={n}"}, info: []string{"/ui/about.html"}, account: []string{"/ui/me.html"}, login: []string{"/rpc/login"}, forms: []string{"/rpc/{w}.save"},
		calls: []string{"/rpc/{w}.list?offset={i}", "/rpc/{w}.get?id={n}", "/backend/{w}/{n}", "/socket.io/?EIO=4&transport=polling&t={k}"}},
}

var assetStyles = [][]string{
	{"/wp-content/themes/{w}/style.css?ver={i}.{i}", "/wp-includes/js/jquery/jquery.min.js?ver=3.{i}", "/wp-content/plugins/{w}-{w}/assets/{w}.js?ver={i}", "/wp-content/uploads/{y}/{m}/{w}-logo.png"},
	{"/assets/index-{h}.css", "/assets/index-{h}.js", "/assets/{w}-{h}.js", "/assets/{w}-{h}.woff2", "/assets/{w}.svg"},
	{"/_next/static/css/{h}{h}.css", "/_next/static/chunks/{i}-{h}{h}.js", "/_next/static/media/{h}.woff2"},
	{"/build/{w}.{h}.css", "/build/runtime.{h}.js", "/build/{w}.{h}.js", "/bundles/{w}/img/{w}.png"},
	{"/Content/{w}.css", "/bundles/{w}?v={k}.js", "/Scripts/jquery-3.{i}.min.js", "/WebResource.axd?d={k}&t={n}.js", "/Images/{w}.png"},
	{"/javax.faces.resource/{w}.css.xhtml?ln={w}", "/resources/js/{w}.js", "/resources/css/{w}.css", "/resources/img/{w}.png"},
	{"/css/{w}.css?{n}", "/js/{w}.js?{n}", "/js/vendor/{w}.min.js", "/fonts/{w}.woff2", "/img/{w}.svg"},
	{"/themes/{w}/css/{w}.css", "/themes/{w}/js/{w}.js", "/core/misc/{w}.js?v={i}.{i}", "/sites/default/files/css/css_{k}.css", "/sites/default/files/{w}.png"},
	{"/styles.css", "/main.js", "/{w}.js", "/logo.png"},
	{"/pack/{w}-bundle.css", "/pack/{w}-bundle.js", "/dist/{w}.{h}.mjs", "/dist/fonts/{w}.woff2", "/dist/icons/sprite.{h}.svg"},
}

var imageStyles = []string{"/images/{w}/{n}.jpg", "/uploads/{y}/{m}/{s}-{g}x{g}.jpg", "/photos/{k}_{g}.webp", "/img/p/{i}/{n}-home_default.jpg", "/thumbs/{n}.jpeg", "/avatars/{n}.png?s={g}", "/assets/pics/{h}.avif",
	"/img.php?id={n}&w={g}", "/files/styles/{w}/{s}.jpg?itok={k}", "/pictures/{W}/{W}{i}.gif", "/i/{x}.jpg"}
