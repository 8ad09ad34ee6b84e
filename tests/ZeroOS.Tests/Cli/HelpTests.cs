using System.CommandLine;

using Xunit;

using ZeroOS.Cli;
using ZeroOS.Cli.Output;

namespace ZeroOS.Tests.Cli;

/// <summary>Help is read by people who do not know us: a command's text begins with a verb and names the object, and nothing is left without one.</summary>
public sealed class HelpTests
{
    private static readonly HashSet<string> s_verbs =
    [
        "Add", "Boot", "Build", "Build,", "Copy", "Create", "Delete", "Embed", "Export", "Give", "Import", "Join", "List", "Listen", "Manage", "Pin", "Power",
        "Print", "Push", "Restart", "Restore", "Run", "Send", "Show", "Sign", "Start",
        "Stop", "Update", "Verify", "Write",
    ];

    [Fact]
    public void Every_command_begins_with_a_verb_and_every_word_of_it_is_explained()
    {
        List<string> wrong = [];
        Look(Root(), "zos", wrong);
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task Help_lists_every_verb()
    {
        using MemoryStream nowhere = new();
        StringWriter output = new();
        Assert.Equal(0, await CommandLine.RunAsync(["help"], new Terminal(output, TextWriter.Null, nowhere, nowhere, interactive: false, _ => null)));
        Assert.All(Root().Subcommands, c => Assert.Contains($"  {c.Name}", output.ToString(), StringComparison.Ordinal));
        Assert.Contains("Create or update the deployment in FILE.", output.ToString(), StringComparison.Ordinal);
    }

    private static RootCommand Root()
    {
        using MemoryStream nowhere = new();
        return CommandLine.Build(new Terminal(TextWriter.Null, TextWriter.Null, nowhere, nowhere, interactive: false, _ => null));
    }

    private static void Look(Command command, string path, List<string> wrong)
    {
        string text = command.Description ?? "";
        if (!s_verbs.Contains(text.Split(' ')[0]) || !text.EndsWith('.'))
            wrong.Add($"{path}: \"{text}\"");
        foreach (Symbol symbol in command.Options.Where(o => o.Name is not ("--help" or "--version")).Cast<Symbol>().Concat(command.Arguments))
        {
            if (string.IsNullOrEmpty(symbol.Description) || symbol.Description.EndsWith('.'))
                wrong.Add($"{path} {symbol.Name}: \"{symbol.Description}\"");
        }
        foreach (Command sub in command.Subcommands)
            Look(sub, $"{path} {sub.Name}", wrong);
    }
}
