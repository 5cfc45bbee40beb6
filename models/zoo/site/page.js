// What the pages' scripts do: ask for what window.site names, poll, report, and follow links in a single-page app.
(function () {
  var s = window.site || {};
  (s.load || []).forEach(function (u) {
    fetch(u, { headers: { Accept: "application/json" } }).then(function (r) { return r.text(); }).catch(function () {});
  });
  (s.xhr || []).forEach(function (u) {
    var x = new XMLHttpRequest();
    x.open("GET", u);
    x.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    x.send();
  });
  if (s.poll) setInterval(function () { fetch(s.poll).catch(function () {}); }, 5000);
  if (s.seen && navigator.sendBeacon) navigator.sendBeacon(s.seen, JSON.stringify({ path: location.pathname, width: innerWidth }));
  if (s.route) document.addEventListener("click", function (e) {
    var a = e.target.closest && e.target.closest("a");
    if (!a || a.host !== location.host) return;
    e.preventDefault();
    history.pushState({}, "", a.href);
    fetch(s.route + a.pathname + a.search).then(function (r) { return r.json(); }).then(function (d) {
      document.querySelector("h1").textContent = d.title || a.pathname;
      (d.images || []).forEach(function (u) { var i = new Image(); i.src = u; i.width = 120; document.body.append(i); });
    }).catch(function () {});
  });
  window.__doPostBack = function (target) {
    var f = document.forms[0];
    f.elements.__EVENTTARGET.value = target;
    f.submit();
  };
})();
