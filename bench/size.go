package main

import "os"

// size is that of the files, which every login process maps.
func size(budget) ([]row, error) {
	files := newRow("size of the .so", "kB")
	for _, v := range variants {
		path := v.file()
		if path[0] != '/' {
			path = os.Getenv("PAMDIR") + "/" + path
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		files.add(v, float64(info.Size())/1000)
	}
	return []row{files}, nil
}
