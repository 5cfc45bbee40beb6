// Package models holds the model that headgate scores with where no other is named. README.md beside it says how it was
// made, what it was measured on and what it is not good for.
package models

import _ "embed"

//go:embed default.cbm
var defaultModel []byte

// Default returns the bytes of the default model, a CatBoost .cbm file. They must not be changed.
func Default() []byte { return defaultModel }
