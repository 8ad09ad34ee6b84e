using System.CommandLine;
using System.Globalization;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos logs: a machine's output, in Docker's words.</summary>
internal static class LogsVerb
{
    private const string All = "all";

    private static readonly Argument<string> s_machine = new("MACHINE") { Description = "machine, as DEPLOYMENT/MACHINE or a name that is unique" };
    private static readonly Option<bool> s_follow = new("-f", "--follow") { Description = "keep printing output as it comes" };
    private static readonly Option<string> s_tail = new("--tail", "-n")
    {
        HelpName = "N|SIZE",
        DefaultValueFactory = _ => All,
        Description = "print only the last N lines, or with a unit the last SIZE bytes, for example 64KiB"
    };
    private static readonly Option<bool> s_timestamps = new("--timestamps", "-t") { Description = "begin each line with the time at which it came" };
    private static readonly Option<string?> s_since = new("--since")
    {
        HelpName = "TIME",
        Description = "print only what came at TIME or later: as 2026-11-30T09:30:00Z, seconds since 1970, or how long ago, as 10m"
    };
    private static readonly Option<string?> s_until = new("--until") { HelpName = "TIME", Description = "print only what came at TIME or earlier" };

    public static Command Build(Terminal terminal)
    {
        Command command = new("logs", "Print the output of a machine, byte for byte.") { s_machine, s_follow, s_tail, s_timestamps, s_since, s_until };
        Session.Set(command, terminal, RunAsync, lasting: true);
        return command;
    }

    /// <summary>
    /// Writes a machine's output as it comes, byte for byte; <paramref name="begun"/> is called first, when the node has begun to send it, and says whether any
    /// of it is wanted.
    /// </summary>
    internal static async Task CopyAsync(Session session, NodeClient node, MachineLogs request, Func<Task<bool>>? begun = null)
    {
        MachineOutputWriter writer = new(session.Terminal, timestamps: request.Times);
        await foreach (LogPiece piece in node.LogsAsync(request, session.Cancellation))
        {
            if (begun is not null && !await begun())
                return;
            begun = null;
            if (piece.Data.Length > 0 && !session.TryWriteJson(piece, BusJson.Default.LogPiece))
                await writer.WriteAsync(MachineOutput.Of(piece), session.Cancellation);
        }
    }

    private static async Task<int> RunAsync(Session session, ParseResult parsed)
    {
        (long? lines, long? bytes) = Tail(parsed.GetValue(s_tail)!);
        DateTimeOffset? since = Time(parsed.GetValue(s_since)), until = Time(parsed.GetValue(s_until));
        NodeClient node = session.Connect();
        MachineName name = await MachineFinder.FindAsync(node, parsed.GetRequiredValue(s_machine), session.Cancellation);
        await CopyAsync(session, node, new MachineLogs
        {
            Deployment = name.Deployment,
            Machine = name.Machine,
            Follow = parsed.GetValue(s_follow),
            TailLines = lines,
            TailBytes = bytes,
            Since = since,
            Until = until,
            Times = parsed.GetValue(s_timestamps),
        });
        return 0;
    }

    private static DateTimeOffset? Time(string? text) => text is null ? null : TimeArgument.Parse(text, TimeProvider.System);

    private static (long? Lines, long? Bytes) Tail(string text)
    {
        if (text == All)
            return (null, null);
        if (!text.All(char.IsAsciiDigit))
            return (null, SizeArgument.Parse(text).Bytes);
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int lines) ? (lines, null)
            : throw new CliException($"\"{text}\" is no number of lines; all of them are \"{All}\"", CliException.Usage);
    }
}
