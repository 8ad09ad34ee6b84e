using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests.Documented;

/// <summary>The reader of pages itself: no node is booted here.</summary>
public sealed class DocumentedCommandsTests
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(20);

    [Fact]
    public void A_page_gives_its_marked_blocks_in_order_and_nothing_else()
    {
        IReadOnlyList<Block> blocks = Page.Read("""
            # Title
            ```sh
            not run
            ```
            1. In a list:

               ```sh run=first
               if true; then
                 echo one
               fi
               ```
            ~~~~text expect=first
            ```
            one
            ~~~~
            ```sh run=second
            echo two
            ```
            """);
        Assert.Equal([new Block("first", 7, "if true; then\n  echo one\nfi\n", "```\none\n"), new Block("second", 16, "echo two\n", null)], blocks);
    }

    [Theory]
    [InlineData("```sh run=a\n```\n```sh run=a\n```\n", "line 3: run=a is there twice")]
    [InlineData("```text expect=a\n```\n", "line 1: expect=a comes before any run=a")]
    [InlineData("```sh run=a\n```\n```text expect=a\n```\n```text expect=a\n```\n", "line 5: expect=a is there twice")]
    [InlineData("text\n````sh run=a\nls\n```\n", "line 2: nothing closes this block")]
    public void A_page_with_a_mistake_is_refused_with_its_line(string markdown, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => Page.Read(markdown)).Message);

    [Theory]
    [InlineData("one\ntwo\n", "one  \ntwo\n\n", true)]
    [InlineData("one\ntwo\n", "one\n", false)]
    [InlineData("one\n", "one\ntwo\n", false)]
    [InlineData("took … s\n", "took 1.25 s\n", true)]
    [InlineData("took … s\n", "took 1.25 minutes\n", false)]
    [InlineData("…b…b", "abb", true)]
    [InlineData("ab…b", "ab", false)]
    [InlineData("a…\n", "b\n", false)]
    [InlineData("a.c\n", "abc\n", false)]
    [InlineData("first\n…\nlast\n", "first\nlast\n", true)]
    [InlineData("first\n…\nlast\n", "first\nsecond\nlast\nthird\nlast\n", true)]
    [InlineData("first\n…\nlast\n", "first\nlast\nmore\n", false)]
    [InlineData("…\n", "", true)]
    public void Expected_output_matches_as_a_person_would_compare(string expected, string output, bool matches) =>
        Assert.Equal(matches, Expectation.Matches(expected, output));

    [Fact]
    public async Task Blocks_run_in_one_shell_in_an_empty_folder_with_the_variables_given()
    {
        await using Reader reader = Open("""
            ```sh run=set
            place="$PWD"; mkdir sub; cd sub; greeting=hello; cat
            ```
            ```sh run=use
            [ "$place/sub" = "$PWD" ]; echo "$greeting $SOMEBODY"; printf 'no newline'
            ```
            ```text expect=use
            hello you
            no …
            ```
            """);
        Assert.Equal("", await reader.Run("set", s_deadline));
        Assert.Throws<Xunit.Sdk.TrueException>(reader.NothingIsLeft);
        Assert.Equal("hello you\nno newline", await reader.Run("use", s_deadline));
        reader.NothingIsLeft();
    }

    [Fact]
    public async Task A_command_that_fails_ends_the_page_with_its_exit_code_and_output()
    {
        await using Reader reader = Open("```sh run=fails\necho before\nfalse | cat\necho after\n```\n");
        InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(() => reader.RunTheRest(s_deadline));
        Assert.Contains("(fails)", e.Message, StringComparison.Ordinal);
        Assert.EndsWith("ended with exit code 1:\nbefore\n", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_output_than_the_page_shows_fails_with_both()
    {
        await using Reader reader = Open("```sh run=lies\necho here\n```\n```text expect=lies\nthere\n```\n");
        Xunit.Sdk.TrueException e = await Assert.ThrowsAsync<Xunit.Sdk.TrueException>(() => reader.RunTheRest(s_deadline));
        Assert.EndsWith("printed\nhere\nand the page says\nthere\n", e.Message.TrimEnd(' '), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_that_hangs_fails_at_its_deadline_and_what_was_left_running_ends_with_the_reader()
    {
        string pid;
        await using (Reader reader = Open("```sh run=start\nsleep 1000 >/dev/null & echo $!\n```\n```sh run=hang\necho so far\nsleep 1000\n```\n"))
        {
            pid = await reader.Run("start", s_deadline);
            TimeoutException e = await Assert.ThrowsAsync<TimeoutException>(() => reader.Run("hang", TimeSpan.FromSeconds(1)));
            Assert.EndsWith("so far:\nso far\n", e.Message, StringComparison.Ordinal);
        }
        await Eventually.Get("the end of the process in the background", s_deadline, () =>
            Task.FromResult(!File.Exists($"/proc/{pid}/stat") || File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal)
                ? "ended" : null));
    }

    private static Reader Open(string markdown)
    {
        string folder = Checkout.Scratch("documented"), page = Path.Combine(folder, "page.md");
        File.WriteAllText(page, markdown);
        return Reader.Open(page, Path.Combine(folder, "desk"), ("SOMEBODY", "you"));
    }
}
