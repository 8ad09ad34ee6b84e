using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Cli.Verbs;
using ZeroOS.Linux;

namespace ZeroOS.Cli;

/// <summary>The table of what zos can do, and the place where what goes wrong ends as a sentence and an exit code.</summary>
internal static class CommandLine
{
    // As a shell counts a program that SIGPIPE ended.
    private const int NobodyReads = 141;

    // "@name" is an argument like any other, not a file to read arguments from.
    private static readonly ParserConfiguration s_parser = new() { ResponseFileTokenReplacer = null };

    /// <summary>Runs one command line; the answer is the exit code.</summary>
    public static async Task<int> RunAsync(string[] args, Terminal terminal)
    {
        RootCommand root = Build(terminal);
        ParseResult parsed = root.Parse(WorkloadCommand.Separate(root, AskForHelp(args)), s_parser);
        if (parsed.Action is ParseErrorAction || (parsed.Errors.Count > 0 && parsed.Action is not HelpAction))
        {
            terminal.Complain(parsed.Errors.Count > 0 ? parsed.Errors[0].Message : "that is not a command");
            Command command = parsed.CommandResult.Command;
            terminal.Error.WriteLine(command is RootCommand ? "Try: zos help" : $"Try: zos help {string.Join(' ', Path(command))}");
            return CliException.Usage;
        }
        using Interrupts interrupts = new();
        terminal.Interrupts = interrupts;
        InvocationConfiguration invocation = new()
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,   // signals are for Interrupts
            Output = terminal.Out,
            Error = terminal.Error,
        };
        bool verbose = parsed.GetValue(Globals.Verbose);
        try
        {
            Task<int> running = parsed.InvokeAsync(invocation, interrupts.Asked);
            return await Task.WhenAny(running, interrupts.Overdue) == running ? await running : CliException.Interrupted;
        }
        catch (LinuxException e) when (e.Errno == Errno.EPIPE)
        {
            return NobodyReads;     // whoever closed our output knows why
        }
        catch (Exception e)
        {
            // Main's catch: whatever went wrong is said in one line, and with --verbose in full.
            (string message, int code) = Faults.Explain(e);
            terminal.Complain(message);
            if (verbose)
                terminal.Error.WriteLine(e);
            return code == CliException.Refused && parsed.CommandResult.Command is WorkloadCommand ? WorkloadCommand.OurFault : code;
        }
    }

    internal static RootCommand Build(Terminal terminal)
    {
        RootCommand root = new(
            "Manage ZeroOS nodes and what runs on them. A machine is named DEPLOYMENT/MACHINE; the short name is enough where it is unique.");
        foreach (Option option in Globals.All)
            root.Add(option);
        root.Add(KeyVerbs.Build(terminal));
        root.Add(FarmVerbs.Build(terminal));
        root.Add(NodeVerbs.Build(terminal));
        root.Add(GrantVerbs.Build(terminal));
        root.Add(FlistVerbs.Build(terminal));
        root.Add(ImageVerbs.Build(terminal));
        root.Add(ReleaseVerbs.Build(terminal));
        foreach (Command verb in DeploymentVerbs.Build(terminal))
            root.Add(verb);
        foreach (Command verb in MachineVerbs.Build(terminal))
            root.Add(verb);
        foreach (Command verb in MachineLifeVerbs.Build(terminal))
            root.Add(verb);
        foreach (Command verb in RunVerb.Build(terminal))
            root.Add(verb);
        root.Add(AttachVerb.Build(terminal));
        root.Add(ExecVerb.Build(terminal));
        root.Add(TopVerb.Build(terminal));
        root.Add(CopyVerb.Build(terminal));
        root.Add(ForwardVerb.Build(terminal));
        root.Add(DockerVerb.Build(terminal));
        return root;
    }

    private static IEnumerable<string> Path(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is Command parent and not RootCommand ? [.. Path(parent), command.Name] : [command.Name];

    /// <summary>"help VERB…" is "VERB… --help".</summary>
    private static string[] AskForHelp(string[] args) => args is ["help", ..] ? [.. args[1..], "--help"] : args;
}
