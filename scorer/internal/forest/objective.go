package forest

// Objective is how a library turns sums of trees into predictions.
type Objective struct {
	Name    string // as the model file has it
	Link    Link
	Slope   float64 // of the sigmoid
	Divisor float64 // of the sums, before the link; 0 for none: the iterations of a random forest
	Single  bool    // in float32, as XGBoost does
	Fast    bool    // by fastExp, as CatBoost does

	Classes []string // labels, if the file has them; the negative one first
	Cut     float64  // raw output above which a binary classifier decides for the positive class
}

// Link is the function from the sum to the prediction.
type Link uint8

const (
	IdentityLink      Link = iota
	SigmoidLink            // 1/(1+exp(-slope*x)), for each output
	SoftmaxLink            // over all outputs
	ExpLink                // exp(x)
	SquareLink             // sign(x)*x*x
	SoftplusLink           // log(1+exp(x))
	EarlySoftplusLink      // the same, with 1+exp(x) rounded
	StepLink               // 1 if x > 0, else 0
	UncertaintyLink        // mean and logarithm of the standard deviation, to mean and variance
)
