using System.CommandLine;
using System.Globalization;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Cli.Verbs;

/// <summary>zos deploy, get, list, delete, events: deployments.</summary>
internal static class DeploymentVerbs
{
    public static IEnumerable<Command> Build(Terminal terminal) => [Deploy(terminal), Get(terminal), List(terminal), Delete(terminal), Events(terminal)];

    private static Command Deploy(Terminal terminal)
    {
        Argument<string> path = new("FILE") { Description = "deployment in YAML or JSON; \"-\" reads standard input. Version and digests may be omitted" };
        Option<bool> detach = new("--detach", "-d") { Description = "return when the node has stored it; do not wait until it runs" };
        Option<bool> healthy = new("--wait") { Description = "also wait until each machine that has a health check is healthy" };
        Command command = new("deploy", "Create or update the deployment in FILE.") { path, detach, healthy };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            if (parsed.GetValue(detach) && parsed.GetValue(healthy))
                throw new CliException("--detach and --wait contradict each other", CliException.Usage);
            string name = parsed.GetRequiredValue(path);
            DeploymentFile file = DeploymentFile.Read(name, name == "-" ? Console.In.ReadToEnd() : File.ReadAllText(name));
            NodeClient node = session.Connect();
            int version = file.HasVersion ? 0 : await node.VersionAsync(file.Draft.Name, session.Cancellation);
            Deployment deployment = await file.ResolveAsync(session.Registries(), version + 1, session.Cancellation);
            DeploymentStatus status = await node.ApplyAsync(deployment, session.Cancellation);
            if (!session.Json)
                terminal.Error.WriteLine($"{deployment.Name} version {deployment.Version} is stored on the node");
            if (!parsed.GetValue(detach))
            {
                using WaitLines lines = new(terminal, quiet: session.Json);
                status = parsed.GetValue(healthy)
                    ? await DeploymentWait.UntilHealthyAsync(node, status, lines, session.Cancellation)
                    : await DeploymentWait.UntilRunningAsync(node, status, lines, session.Cancellation);
            }
            Show(session, status);
            return 0;
        }, lasting: true);
        return command;
    }

    private static Command Get(Terminal terminal)
    {
        Argument<string> name = new("NAME") { Description = "name of the deployment" };
        Command command = new("get", "Show a deployment and its workloads.") { name };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            Show(session, await session.Connect().DeploymentAsync(parsed.GetRequiredValue(name), session.Cancellation));
            return 0;
        });
        return command;
    }

    private static Command List(Terminal terminal)
    {
        Command command = new("list", "List your deployments.");
        Session.Set(command, terminal, async (session, _) =>
        {
            DeploymentList all = await session.Connect().DeploymentsAsync(session.Cancellation);
            if (session.TryWriteJson(all, BusJson.Default.DeploymentList))
                return 0;
            Table table = new("NAME", "VERSION", "WORKLOADS", "STATE");
            foreach (DeploymentStatus d in all.Deployments)
            {
                string[] states = [.. d.Workloads.Select(w => WorkloadText.Name(w)).Distinct()];
                table.Add(d.Deployment.Name, $"{d.Deployment.Version}", $"{d.Workloads.Count}", d.Deleting ? "deleting" : string.Join(", ", states));
            }
            table.Write(terminal.Out);
            return 0;
        });
        return command;
    }

    private static Command Delete(Terminal terminal)
    {
        Argument<string> name = new("NAME") { Description = "name of the deployment" };
        Option<bool> volumes = new("--volumes") { Description = "also delete its volumes (listed first)" };
        Option<bool> yes = new("--yes") { Description = "do not ask for confirmation" };
        Command command = new("delete", "Delete a deployment. Its volumes are kept unless --volumes is given.") { name, volumes, yes };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            string deployment = parsed.GetRequiredValue(name);
            NodeClient node = session.Connect();
            string[] destroyed = [];
            if (parsed.GetValue(volumes))
            {
                DeploymentStatus status = await node.DeploymentAsync(deployment, session.Cancellation);
                destroyed = [.. status.Deployment.Workloads.OfType<ZmountWorkload>().Select(w => w.Name)];
                string named = string.Join(", ", destroyed.Select(v => Terminal.Clean($"{deployment}/{v}")));
                terminal.Error.WriteLine(destroyed.Length == 0 ? "It has no volumes." : $"Destroys for ever: {named}");
                if (destroyed.Length > 0 && terminal.Interactive && !parsed.GetValue(yes) && terminal.Ask("Go on? [y/N] ") is not ("y" or "Y" or "yes"))
                    throw new CliException("nothing was deleted");
            }
            await node.DeleteAsync(deployment, destroyed, session.Cancellation);
            return 0;
        });
        return command;
    }

    private static Command Events(Terminal terminal)
    {
        Option<bool> follow = new("-f", "--follow") { Description = "keep printing events as they happen" };
        Option<long> after = new("--after") { HelpName = "NUMBER", Description = "show only events with a higher number" };
        Command command = new("events", "Show events of your deployments.") { follow, after };
        Session.Set(command, terminal, async (session, parsed) =>
        {
            EventsWatch watch = new() { After = parsed.GetValue(after), Follow = parsed.GetValue(follow) };
            await foreach (NodeEvent e in session.Connect().EventsAsync(watch, session.Cancellation))
            {
                if (session.Json)
                    session.WriteJson(e, BusJson.Default.NodeEvent);
                else
                    terminal.Out.WriteLine(Terminal.Clean(Describe(e)));
            }
            return 0;
        }, lasting: true);
        return command;
    }

    private static string Describe(NodeEvent e)
    {
        string what = e.Deployment is null ? "" : e.Workload is null ? $" {e.Deployment}" : $" {e.Deployment}/{e.Workload}";
        string state = e.State is WorkloadState s ? $" {WorkloadText.Name(s)}" : "";
        string why = (e.Reason is null ? "" : $" {e.Reason}") + (e.Message is null ? "" : $": {e.Message}");
        return string.Create(CultureInfo.InvariantCulture, $"{e.Time:yyyy-MM-dd HH:mm:ss} {e.Number} {e.Kind}{what}{state}{why}");
    }

    private static void Show(Session session, DeploymentStatus status)
    {
        if (session.Json)
        {
            session.WriteJson(status, BusJson.Default.DeploymentStatus);
            return;
        }
        session.Terminal.Out.WriteLine(
            Terminal.Clean($"{status.Deployment.Name}, version {status.Deployment.Version}{(status.Deleting ? ", being deleted" : "")}"));
        Table table = new("NAME", "TYPE", "STATE", "ADDRESSES");
        foreach (WorkloadStatus w in status.Workloads)
            table.Add(w.Name, w.Type, WorkloadText.Describe(w), string.Join(" ", w.Addresses?.Values ?? []));
        table.Write(session.Terminal.Out);
        RunsTable.Write(session.Terminal.Out, status.Workloads);
    }
}
