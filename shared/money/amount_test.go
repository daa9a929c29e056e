package money_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"dinarfunctions/shared/money"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text     string
		decimals int
		want     string
		err      error
	}{
		{"1.00", 2, "1.00", nil},
		{"1", 2, "1.00", nil},
		{"1.5", 2, "1.50", nil},
		{"0.01", 2, "0.01", nil},
		{"1", 0, "1", nil},
		{"1.234", 3, "1.234", nil},
		{"999999999999.99", 2, "999999999999.99", nil},
		{"0", 2, "", money.ErrNotPositive},
		{"0.00", 2, "", money.ErrNotPositive},
		{"1.000", 2, "", money.ErrTooFine},
		{"1.0", 0, "", money.ErrTooFine},
		{"1000000000000", 2, "", money.ErrTooLarge},
		{"", 2, "", money.ErrNotANumber},
		{"-1", 2, "", money.ErrNotANumber},
		{"+1", 2, "", money.ErrNotANumber},
		{"01", 2, "", money.ErrNotANumber},
		{"1.", 2, "", money.ErrNotANumber},
		{".5", 2, "", money.ErrNotANumber},
		{"1,00", 2, "", money.ErrNotANumber},
		{"1e2", 2, "", money.ErrNotANumber},
		{" 1", 2, "", money.ErrNotANumber},
		{"1\n", 2, "", money.ErrNotANumber},
		{"١", 2, "", money.ErrNotANumber},
		{"−1", 2, "", money.ErrNotANumber},
		{"0x1", 2, "", money.ErrNotANumber},
		{"NaN", 2, "", money.ErrNotANumber},
	} {
		t.Run(fmt.Sprintf("%q with %d decimals", tt.text, tt.decimals), func(t *testing.T) {
			t.Parallel()
			got, err := money.Parse(tt.text, "SAR", tt.decimals)
			require.ErrorIs(t, err, tt.err)
			require.Equal(t, tt.want, got.String())
			require.Equal(t, tt.err != nil, got.IsZero())
		})
	}
}

func TestEqualsNumber(t *testing.T) {
	t.Parallel()
	amount, err := money.Parse("22", "SAR", 2)
	require.NoError(t, err)
	for text, want := range map[string]bool{
		"22": true, "22.00": true, "22.0000": true, "2.2e1": true, "2200E-2": true, "022": true,
		"22.01": false, "2.2": false, "-22": false, "0": false, "22.000000000000000000000001": false,
	} {
		got, err := amount.EqualsNumber(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "abc", "1e999999999", "22 ", "0x16", "NaN", strings.Repeat("9", 100)} {
		_, err := amount.EqualsNumber(text)
		require.ErrorIs(t, err, money.ErrNotANumber, text)
	}
}

// An independent reading by math/big agrees with every amount that is taken.
func TestParseAgreesWithBigRat(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		decimals := rapid.IntRange(0, 4).Draw(t, "decimals")
		text := rapid.StringMatching(`[0-9]{1,13}(\.[0-9]{1,5})?`).Draw(t, "text")
		amount, err := money.Parse(text, "XXX", decimals)
		if err != nil {
			require.True(t, amount.IsZero())
			return
		}
		want, ok := new(big.Rat).SetString(text)
		require.True(t, ok)
		require.Equal(t, want.FloatString(decimals), amount.String())
		again, err := money.Stored(amount.String(), amount.Currency())
		require.NoError(t, err)
		require.Equal(t, amount, again)
		same, err := amount.EqualsNumber(text)
		require.NoError(t, err)
		require.True(t, same)
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"1.00", "1", "0.001", "1e9", "-1", "999999999999.99", "1.0000"} {
		f.Add(seed, 2)
	}
	f.Fuzz(func(t *testing.T, text string, decimals int) {
		if decimals < 0 || decimals > 4 {
			t.Skip()
		}
		amount, err := money.Parse(text, "SAR", decimals)
		if err != nil {
			require.True(t, amount.IsZero())
			return
		}
		again, err := money.Parse(amount.String(), "SAR", decimals)
		require.NoError(t, err)
		require.Equal(t, amount, again)
		same, err := amount.EqualsNumber(text)
		require.NoError(t, err)
		require.True(t, same)
	})
}

func FuzzEqualsNumber(f *testing.F) {
	for _, seed := range []string{"22", "22.00", "2.2e1", "-22", "1e99", "abc"} {
		f.Add(seed)
	}
	amount, err := money.Parse("22.00", "SAR", 2)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		same, err := amount.EqualsNumber(text)
		if err != nil {
			require.False(t, same)
			return
		}
		theirs, ok := new(big.Rat).SetString(text)
		require.True(t, ok)
		require.Equal(t, theirs.Cmp(big.NewRat(22, 1)) == 0, same)
	})
}
