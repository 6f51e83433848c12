package host

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQuantile_Interpolates(t *testing.T) {
	v := []float64{1, 2, 4, 8}
	require.Equal(t, 1.0, Quantile(v, 0))
	require.Equal(t, 3.0, Quantile(v, 0.5))
	require.Equal(t, 8.0, Quantile(v, 1))
	require.Equal(t, 5.0, Quantile([]float64{5}, 0.25))
}
