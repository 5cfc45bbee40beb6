package main

// families are all that the zoo has.
func families() []*family {
	return []*family{commandLine(), python(), node(), scripting(), persons(), automation(), scanners(), load(), watchers(), crawlers(), golang(), java(), rust(), impersonators()}
}
