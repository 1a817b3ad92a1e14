package main
import ("testing";"time";"os";"context";"github.com/chromedp/chromedp")
func TestBrowserX(t *testing.T) {
	h := newHarness(t, harnessOptions{})
	link := wholeRecordLink(h, "EN")
	dir := "/tmp/xprofile"; os.RemoveAll(dir)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("/usr/bin/chromium"), chromedp.Flag("headless","new"), chromedp.UserDataDir(dir))
	al, c1 := chromedp.NewExecAllocator(context.Background(), options...)
	defer c1()
	ctx, c2 := chromedp.NewContext(al)
	defer c2()
	if err := chromedp.Do(ctx, chromedp.Navigate(link), chromedp.Sleep(3*time.Second), chromedp.Navigate(h.url+"/?marker=1"), chromedp.Sleep(14*time.Second)); err != nil { t.Fatal(err) }
	chromedp.Cancel(ctx)
}
