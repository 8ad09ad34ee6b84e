using System.Diagnostics;
using System.Globalization;
using System.Text;

using ZeroOS.SystemTests.Bench;

namespace ZeroOS.SystemTests.Documented;

/// <summary>
/// A person at a terminal who follows a page literally: an empty folder and home, <c>zos</c> in the path, one shell from the first block to the last, which
/// stops at the first command that fails. What they leave running ends with them.
/// </summary>
internal sealed class Reader : IAsyncDisposable
{
    private readonly string _page;
    private readonly IReadOnlyList<Block> _blocks;
    private readonly Process _shell;
    private readonly HashSet<string> _done = [];

    private Reader(string page, string folder, Process shell) => (_page, _blocks, Folder, _shell) = (page, Page.Read(File.ReadAllText(page)), folder, shell);

    /// <summary>Where they type.</summary>
    public string Folder { get; }

    /// <summary>Sits down with a page (a file); <paramref name="given"/> are the shell variables the page takes for granted.</summary>
    public static Reader Open(string page, string folder, params (string Name, string Value)[] given)
    {
        Directory.CreateDirectory(Path.Combine(folder, "home"));
        ProcessStartInfo start = new("setsid", ["bash", "--noprofile", "--norc", "-euo", "pipefail"])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["HOME"] = Path.Combine(folder, "home");
        start.Environment["PATH"] = $"{Checkout.Path("out", "programs")}:{start.Environment["PATH"]}";
        foreach (string mine in (string[])["ZOS_CONFIG", "ZOS_NODE", "XDG_CONFIG_HOME"])
            start.Environment.Remove(mine);
        foreach ((string name, string value) in given)
            start.Environment[name] = value;
        return new Reader(page, folder, Process.Start(start)!);
    }

    /// <summary>Types a block, compares what it prints with what the page shows, and returns it.</summary>
    public async Task<string> Run(string id, TimeSpan deadline)
    {
        Block block = _blocks.SingleOrDefault(b => b.Id == id) ?? throw new InvalidOperationException($"{_page} has no block run={id}");
        string where = $"{_page}:{block.Line} ({id})";
        _done.Add(id);
        string output = await Type(where, block.Script, deadline);
        Assert.True(block.Expected is null || Expectation.Matches(block.Expected, output),
            $"{where}\n{block.Script}printed\n{output}\nand the page says\n{block.Expected}");
        return output;
    }

    /// <summary>Types everything that is left, in the page's order.</summary>
    public async Task RunTheRest(TimeSpan deadlineEach)
    {
        foreach (Block block in _blocks.Where(b => !_done.Contains(b.Id)))
            await Run(block.Id, deadlineEach);
    }

    /// <summary>Fails when the page has a block that was not run.</summary>
    public void NothingIsLeft() =>
        Assert.True(_blocks.All(b => _done.Contains(b.Id)), $"{_page}: not run: {string.Join(", ", _blocks.Select(b => b.Id).Except(_done))}");

    /// <summary>Ends the shell and all it started.</summary>
    public async ValueTask DisposeAsync()
    {
        // The shell leads a session of its own, and what it left in the background is in its process group.
        await Command.Run("kill", ["-KILL", "--", string.Create(CultureInfo.InvariantCulture, $"-{_shell.Id}")], TimeSpan.FromSeconds(10));
        await _shell.WaitForExitAsync();
        _shell.Dispose();
    }

    private async Task<string> Type(string where, string script, TimeSpan deadline)
    {
        string file = Path.Combine(Folder, "home", ".typed");
        await File.WriteAllTextAsync(file, script);
        string end = $"--- {Guid.NewGuid():N}";
        // Sourced, so that variables and the folder stay; without the shell's own input, which holds the next block.
        await _shell.StandardInput.WriteAsync($". '{file}' 2>&1 </dev/null\nprintf '\\n%s\\n' '{end}'\n");
        await _shell.StandardInput.FlushAsync();
        StringBuilder output = new();
        using CancellationTokenSource timer = new(deadline);
        try
        {
            while (await _shell.StandardOutput.ReadLineAsync(timer.Token) is string line)
            {
                if (line == end)
                    return output.ToString().TrimEnd('\n');
                output.Append(line).Append('\n');
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"{where} did not end within {deadline.TotalSeconds} s; so far:\n{output}");
        }
        await _shell.WaitForExitAsync();
        throw new InvalidOperationException($"{where}\n{script}ended with exit code {_shell.ExitCode}:\n{output}");
    }
}
