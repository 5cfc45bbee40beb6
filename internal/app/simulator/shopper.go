package simulator

import (
	"fmt"
	"net/http"
	"time"
)

// step is one action of a shopper.
type step uint8

const (
	land step = iota
	search
	look
	addToCart
	mistypePassword
	logIn
	checkOut
)

// shopper carries out a plan made at the start.
type shopper struct {
	*visitor
	world   *world
	plan    []step // remaining steps
	from    string // URL of the page on the screen
	product string // page of the last product viewed
}

func beginShopper(w *world, _ int, _ time.Duration, resumed bool) routine {
	browsers := desktopBrowsers
	if w.chance(0.4) {
		browsers = mobileBrowsers
	}
	s := &shopper{visitor: newPerson(w, w.personAddr(), browsers, resumed), world: w, plan: shoppingPlan(w),
		from: pick(w, outsideReferers), product: productPage(w)}
	if resumed {
		s.plan = s.plan[w.IntN(len(s.plan)):]
	}
	return routine{
		left:  len(s.plan),
		pause: func() time.Duration { return w.think(5 * time.Second) },
		burst: s.burst,
	}
}

// shoppingPlan returns the steps of a shopper, cut short where patience ends.
func shoppingPlan(w *world) []step {
	plan := []step{land}
	for range 1 + w.IntN(2) {
		plan = append(plan, search)
		for range 1 + w.IntN(3) {
			plan = append(plan, look)
		}
	}
	if !w.chance(0.7) {
		return plan
	}
	plan = append(plan, addToCart)
	if w.chance(0.25) {
		plan = append(plan, mistypePassword)
	}
	if w.chance(0.7) {
		plan = append(plan, logIn, checkOut)
	}
	return plan
}

func (s *shopper) burst(at time.Duration, dst []Request) []Request {
	next := s.plan[0]
	s.plan = s.plan[1:]
	switch next {
	case land:
		return s.open(at, WWW, "/", dst)
	case search:
		return s.open(at, Search, searchPage(s.world, 1), dst)
	case look:
		s.product = productPage(s.world)
		return s.open(at, WWW, s.product, dst)
	case addToCart:
		return s.submit(at, "/cart", fmt.Sprintf("item=%d&count=1", hash(s.product)%products), "/cart", dst)
	case mistypePassword:
		return s.submit(at, loginTarget(s.world, false), "user=demo&password=demo1", "", dst)
	case logIn:
		return s.submit(at, loginTarget(s.world, true), "user=demo&password=demo", "/checkout", dst)
	default:
		return s.submit(at, "/checkout", "agree=yes", "/account", dst)
	}
}

// open visits a page.
func (s *shopper) open(at time.Duration, host, target string, dst []Request) []Request {
	dst = s.visit(s.world, at, host, target, s.from, dst)
	s.from = "https://" + host + target
	return dst
}

// submit sends a form and, if then is not empty, visits that page.
func (s *shopper) submit(at time.Duration, target, body, then string, dst []Request) []Request {
	post := s.navigate(at, http.MethodPost, WWW, target, s.from)
	post.Body = body
	dst = append(dst, post)
	if then == "" {
		return dst
	}
	return s.open(at+s.world.between(40*time.Millisecond, 150*time.Millisecond), WWW, then, dst)
}
