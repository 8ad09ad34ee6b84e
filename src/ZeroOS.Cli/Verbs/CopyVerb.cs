using System.CommandLine;

using ZeroOS.Bus.Sessions;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Trees;

using BusSession = ZeroOS.Bus.Sessions.Session;
using Session = ZeroOS.Cli.Sessions.Session;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos cp: files out of a machine that runs and into it, as Docker users type it.</summary>
internal static class CopyVerb
{
    /// <summary>The word for the input or the output of zos.</summary>
    internal const string Stream = "-";

    private static readonly Option<bool> s_archive = new("-a", "--archive")
    {
        Description = "keep the owners of files (default: root's in a machine, yours here)"
    };
    private static readonly Option<bool> s_follow = new("-L", "--follow-link") { Description = "copy what a symbolic link at SOURCE leads to, not the link" };
    private static readonly Option<bool> s_quiet = new("-q", "--quiet") { Description = "show no progress" };
    private static readonly Argument<string> s_source = new("SOURCE") { Description = "MACHINE:PATH, or a path here, or - for a tar stream that is read" };
    private static readonly Argument<string> s_target = new("TARGET") { Description = "MACHINE:PATH, or a path here, or - for a tar stream that is written" };

    public static Command Build(Terminal terminal)
    {
        Command command = new("cp", "Copy a file or a directory out of a machine that runs, or into it. DIRECTORY/. means what is in it.")
        {
            s_archive, s_follow, s_quiet, s_source, s_target,
        };
        Session.Set(command, terminal, RunAsync, lasting: true);
        return command;
    }

    private static async Task<int> RunAsync(Session session, ParseResult parsed)
    {
        string source = parsed.GetRequiredValue(s_source), target = parsed.GetRequiredValue(s_target);
        (string Machine, string Path)? from = CopyRules.Remote(source), to = CopyRules.Remote(target);
        if (from is null == to is null)
        {
            throw new CliException(from is null ? "one of both has to be MACHINE:PATH; a path here that has a colon begins with ./ or /"
                : "a copy from one machine to another goes over a file here", CliException.Usage);
        }
        using ProgressLine progress = new(session.Terminal, TimeProvider.System);
        CopyOptions options = new()
        {
            KeepOwners = parsed.GetValue(s_archive),
            FollowLink = parsed.GetValue(s_follow),
            Terminal = session.Terminal,
            Progress = parsed.GetValue(s_quiet) ? null : progress,
        };
        NodeClient node = session.Connect();
        (string machine, string path) = (from ?? to)!.Value;
        MachineName name = await MachineFinder.FindAsync(node, machine, session.Cancellation);
        string kind = from is null ? SessionKinds.CopyIn : SessionKinds.CopyOut;
        CopyBegin begin = new() { Path = path, FollowLink = from is not null && options.FollowLink, KeepOwners = from is null && options.KeepOwners };
        try
        {
            using TreeSource? local = from is null && source != Stream ? LocalTree.OpenSource(source, options.FollowLink) : null;
            await using BusSession copy = await node.CopyAsync(kind, name, begin, session.Cancellation);
            try
            {
                await (from is null ? new CopyIn(copy, options).RunAsync(local, path, session.Cancellation)
                    : new CopyOut(copy, options).RunAsync(target, session.Cancellation));
                return 0;
            }
            catch (OperationCanceledException)
            {
                throw session.Interrupted ? new CliException("interrupted; part of it may be copied", CliException.Interrupted)
                    : new CliException("the time given is over; part of it may be copied");
            }
            finally
            {
                await SessionEnds.LeaveAsync(copy);
            }
        }
        catch (SessionException e)
        {
            bool isSentence = e.Reason is SessionCloseReason.Refused or SessionCloseReason.NotFound or SessionCloseReason.OverCapacity;
            throw new CliException(isSentence ? $"{machine}: {SessionEnds.Why(e)}" : $"{SessionEnds.Why(e)}; part of it may be copied");
        }
    }
}
