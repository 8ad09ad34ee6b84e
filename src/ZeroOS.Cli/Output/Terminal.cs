using ZeroOS.Linux;

namespace ZeroOS.Cli.Output;

/// <summary>
/// Where zos writes, and what it is given to read. Everything a node says goes through <see cref="Clean"/>; a machine's own output goes out raw.
/// </summary>
internal sealed class Terminal(TextWriter output, TextWriter error, Stream rawOutput, Stream rawError, bool interactive, Func<string, string?> ask)
{
    /// <summary>What was asked for.</summary>
    public TextWriter Out { get; } = output;

    /// <summary>Complaints and progress.</summary>
    public TextWriter Error { get; } = error;

    /// <summary>A machine's standard output, byte for byte.</summary>
    public Stream RawOut { get; } = rawOutput;

    /// <summary>A machine's standard error, byte for byte.</summary>
    public Stream RawError { get; } = rawError;

    /// <summary>What is piped or typed in, byte for byte.</summary>
    public Stream RawIn { get; init; } = Stream.Null;

    /// <summary>The terminal on which a person types; null when the input is none.</summary>
    public FileDescriptor? Keyboard { get; init; }

    /// <summary>A person is looking and can be asked.</summary>
    public bool Interactive { get; } = interactive;

    /// <summary>How a person ends zos; null before it runs.</summary>
    public Interrupts? Interrupts { get; set; }

    /// <summary>What is written to <see cref="Out"/> goes to a screen, on which it can be replaced.</summary>
    public bool ShowsScreens { get; init; }

    /// <summary>The real one.</summary>
    public static Terminal OfThisProcess()
    {
        FileDescriptor? input = StandardDescriptors.Duplicate(0);
        return new Terminal(Console.Out, Console.Error, Raw(StandardDescriptors.Duplicate(1), "standard output"),
            Raw(StandardDescriptors.Duplicate(2), "standard error"), !Console.IsInputRedirected && !Console.IsErrorRedirected, Prompt)
        {
            ShowsScreens = !Console.IsOutputRedirected,
            RawIn = Raw(input, "standard input"),
            Keyboard = input is not null && VirtualTerminal.IsTerminal(input) ? input : null,
        };
    }

    /// <summary>Asks a question; the answer is not shown when it is a secret (the question then ends with "passphrase: ").</summary>
    public string? Ask(string question) => ask(question);

    /// <summary>One sentence that says why not.</summary>
    public void Complain(string message) => Error.WriteLine("zos: " + Clean(message));

    /// <summary>Foreign text without what could move a cursor, change a title, or turn the reading direction.</summary>
    public static string Clean(string? text) => HostileText.Plain(text, int.MaxValue);

    private static Stream Raw(FileDescriptor? descriptor, string name) => descriptor is null ? Stream.Null : new DescriptorStream(descriptor, name);

    private static string? Prompt(string question)
    {
        Console.Error.Write(question);
        if (!question.EndsWith("passphrase: ", StringComparison.Ordinal) || Console.IsInputRedirected)
            return Console.In.ReadLine();
        List<char> secret = [];
        while (Console.ReadKey(intercept: true) is var key && key.Key != ConsoleKey.Enter)
        {
            if (key.Key != ConsoleKey.Backspace)
                secret.Add(key.KeyChar);
            else if (secret.Count > 0)
                secret.RemoveAt(secret.Count - 1);
        }
        Console.Error.WriteLine();
        return new string([.. secret]);
    }
}
