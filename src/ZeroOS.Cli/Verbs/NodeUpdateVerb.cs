using System.CommandLine;
using System.Globalization;

using ZeroOS.Bus.Release;
using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Release;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos node update: sends a signed release to a node, and with --wait follows it through its restart.</summary>
internal static class NodeUpdateVerb
{
    public static Command Build(Terminal terminal)
    {
        Argument<string?> name = new("NAME") { Arity = ArgumentArity.ZeroOrOne, Description = "pinned node, or KEYID@HOST[:PORT] (default: as --node)" };
        Option<string> release = new("--release") { Required = true, HelpName = "FILE", Description = "signed release file (zos release)" };
        Option<bool> wait = new("--wait") { Description = "wait until the update is kept or rolled back" };
        Command command = new("update", "Update a node to a signed release. The node tries the release and keeps it if it is healthy. Owners only.")
        {
            name, release, wait
        };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            byte[] document = File.ReadAllBytes(parsed.GetRequiredValue(release));
            if (!ReleaseDocument.TryInspect(document, out ReleaseManifest? manifest, out _, out string? fault))
                throw new CliException($"{parsed.GetRequiredValue(release)}: {fault}");
            NodeClient node = session.Connect(parsed.GetValue(name));
            UpdateStatus status = await node.UpdateAsync(document, session.Cancellation);
            if (parsed.GetValue(wait))
                status = await FollowAsync(session, node, manifest);
            if (session.Json)
                session.WriteJson(status, BusJson.Default.UpdateStatus);
            else if (status.State == UpdateState.Kept)
                terminal.Out.WriteLine($"{Terminal.Clean(status.Version)} runs and is kept");
            else if (status.State != UpdateState.Failed)
                terminal.Out.WriteLine(
                    $"the node updates from {Terminal.Clean(status.From)} to {Terminal.Clean(status.Version)}; zos node status shows how far it is");
            return status.State == UpdateState.Failed ? Fail(terminal, status) : 0;
        }, lasting: true);
        return command;
    }

    private static int Fail(Terminal terminal, UpdateStatus status)
    {
        terminal.Complain($"the update to {status.Version} failed, {status.From} runs: {status.Message} ({status.Reason})");
        return CliException.Refused;
    }

    private static async Task<UpdateStatus> FollowAsync(Session session, NodeClient node, ReleaseManifest manifest)
    {
        using ProgressLine progress = new(session.Terminal, TimeProvider.System);
        return await UpdateWait.UntilEndedAsync(node, manifest.Version, u => progress.Show(u is null ? "the node restarts" : Describe(u)), TimeProvider.System,
            session.Cancellation);
    }

    private static string Describe(UpdateStatus update) => update.State switch
    {
        UpdateState.Fetching when update.TotalBytes > 0 =>
            string.Create(CultureInfo.InvariantCulture, $"fetching {update.DoneBytes * 100 / update.TotalBytes,3} %"),
        UpdateState.Writing => "writing it beside the running version",
        UpdateState.Restarting => "the node restarts",
        UpdateState.Trial => $"on trial{(update.Message is null ? "" : $": {update.Message}")}",
        _ => update.State.ToString().ToLowerInvariant(),
    };
}
