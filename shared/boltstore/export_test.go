package boltstore

import (
	"github.com/go-json-experiment/json"
	"go.etcd.io/bbolt"
)

// Spoil gives a member of a stored record another value, past the stores.
func (f *File) Spoil(bucket, key, member string, value any) error {
	return f.db.Update(func(tx *bbolt.Tx) error {
		record := map[string]any{}
		if err := json.Unmarshal(tx.Bucket([]byte(bucket)).Get([]byte(key)), &record); err != nil {
			return err
		}
		record[member] = value
		text, err := json.Marshal(record)
		if err != nil {
			return err
		}
		return tx.Bucket([]byte(bucket)).Put([]byte(key), text)
	})
}
