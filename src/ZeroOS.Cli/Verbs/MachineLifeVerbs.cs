using System.CommandLine;
using System.Globalization;

using ZeroOS.Cli.Output;
using ZeroOS.Cli.Sessions;
using ZeroOS.Client;
using ZeroOS.Client.Deploying;
using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Cli.Verbs;

/// <summary>
/// zos start, stop, restart, kill, wait, rm: the life of machines, in Docker's words. Each takes several, and prints each one's name when it is done.
/// </summary>
internal static class MachineLifeVerbs
{
    private static readonly Argument<string[]> s_machines = new("MACHINE")
    {
        Arity = ArgumentArity.OneOrMore,
        Description = "machines, each as DEPLOYMENT/MACHINE or a name that is unique",
    };
    private static readonly Option<string?> s_stopSignal = new("-s", "--signal")
    {
        HelpName = "SIGNAL",
        Description = "ask the program to stop by this signal, a name or a number (default: the deployment's, else the image's)",
    };
    private static readonly Option<int?> s_grace = new("-t", "--time")
    {
        HelpName = "SECONDS",
        Description = "kill the program after this time, 0 to 600; 0 kills at once (default: the deployment's, else 10)",
    };
    private static readonly Option<string?> s_signal = new("-s", "--signal")
    {
        HelpName = "SIGNAL",
        Description = "send this signal, a name or a number (default: SIGKILL)",
    };
    private static readonly Option<bool> s_force = new("-f", "--force") { Description = "kill a machine that runs first" };

    public static IEnumerable<Command> Build(Terminal terminal)
    {
        Command start = new("start", "Start stopped machines.") { s_machines };
        Set(start, terminal, StartAsync);
        Command stop = new("stop", "Stop machines; their programs get their grace periods.") { s_machines, s_stopSignal, s_grace };
        Set(stop, terminal, StopAsync);
        Command restart = new("restart", "Restart machines; their programs get their grace periods.") { s_machines, s_stopSignal, s_grace };
        Set(restart, terminal, RestartAsync);
        Command kill = new("kill", "Send a signal to the programs of machines. SIGKILL and the stop signal stop a machine for good.") { s_machines, s_signal };
        Set(kill, terminal, KillAsync);
        Command wait = new("wait", "Print the exit codes of machines once they are at rest.") { s_machines };
        Set(wait, terminal, WaitAsync);
        Command remove = new("rm", "Delete machines that are alone in their deployments, as zos run makes them. Volumes are kept.") { s_machines, s_force };
        Set(remove, terminal, RemoveAsync);
        return [start, stop, restart, kill, wait, remove];
    }

    /// <summary>
    /// Begins with every machine, then finishes with each: graces run side by side. One that fails does not keep the others from being done.
    /// </summary>
    private static void Set(Command command, Terminal terminal, Func<Work, Task<Func<Task>>> begin) => Session.Set(command, terminal, async (session, parsed) =>
    {
        string[] names = parsed.GetRequiredValue(s_machines);
        NodeClient node = session.Connect();
        List<Func<Task>> begun = [];
        int code = 0;
        foreach (string name in names)
        {
            await TryAsync(async () =>
            {
                MachineName machine = await MachineFinder.FindAsync(node, name, session.Cancellation);
                begun.Add(await begin(new Work(session, parsed, node, name, machine)));
            });
        }
        foreach (Func<Task> finish in begun)
            await TryAsync(finish);
        return code;

        async Task TryAsync(Func<Task> step)
        {
            try
            {
                await step();
            }
            catch (Exception e) when (names.Length > 1 && e is ClientException or CliException or BusErrorException)
            {
                terminal.Complain(Faults.Explain(e).Message);
                code = CliException.Refused;
            }
        }
    }, lasting: true);

    private static async Task<Func<Task>> StartAsync(Work work)
    {
        int before = (await MachineWait.StatusAsync(work.Node, work.Machine, work.Cancellation)).Starts;
        await work.Node.StartAsync(work.Machine, work.Cancellation);
        return async () =>
        {
            await MachineWait.UntilStartedAsync(work.Node, work.Machine, before, again: false, work.Cancellation);
            work.Done();
        };
    }

    private static async Task<Func<Task>> StopAsync(Work work)
    {
        await work.Node.StopAsync(StopOf(work), work.Cancellation);
        return () => RestAsync(work);
    }

    private static async Task<Func<Task>> RestartAsync(Work work)
    {
        int before = (await MachineWait.StatusAsync(work.Node, work.Machine, work.Cancellation)).Starts;
        await work.Node.RestartAsync(StopOf(work), work.Cancellation);
        return async () =>
        {
            await MachineWait.UntilStartedAsync(work.Node, work.Machine, before, again: true, work.Cancellation);
            work.Done();
        };
    }

    private static async Task<Func<Task>> KillAsync(Work work)
    {
        string? signal = work.Parsed.GetValue(s_signal);
        await work.Node.KillAsync(new MachineKill { Deployment = work.Machine.Deployment, Machine = work.Machine.Machine, Signal = signal }, work.Cancellation);
        // The program may not heed another signal.
        return signal is null || signal.ToUpperInvariant() is "KILL" or "SIGKILL" or "9" ? () => RestAsync(work) : () =>
        {
            work.Done();
            return Task.CompletedTask;
        };
    }

    private static Task<Func<Task>> WaitAsync(Work work) => Task.FromResult<Func<Task>>(async () =>
    {
        WorkloadStatus status = await MachineWait.UntilAtRestAsync(work.Node, work.Machine, work.Cancellation);
        if (work.Session.TryWriteJson(status, BusJson.Default.WorkloadStatus))
            return;
        int code = status.ExitCode
            ?? throw new CliException($"{work.Name} has no exit code, its program has never ended: it is {WorkloadText.Describe(status)}");
        work.Session.Terminal.Out.WriteLine(code.ToString(CultureInfo.InvariantCulture));
    });

    private static async Task<Func<Task>> RemoveAsync(Work work)
    {
        (string deployment, string machine) = (work.Machine.Deployment, work.Machine.Machine);
        DeploymentStatus status = await work.Node.DeploymentAsync(deployment, work.Cancellation);
        if (status.Deployment.Workloads.OfType<ZmachineWorkload>().Count() > 1)
        {
            throw new CliException(
                $"\"{deployment}\" has more machines than this one; leave it out of its file and deploy that, or delete all: zos delete {deployment}");
        }
        if (!MachineWait.IsAtRest(MachineWait.Find(status, work.Machine)))
        {
            if (!work.Parsed.GetValue(s_force))
                throw new CliException($"{work.Name} is not at rest; stop it first (zos stop {work.Name}), or say -f");
            await work.Node.StopAsync(new MachineStop { Deployment = deployment, Machine = machine, GraceSeconds = 0 }, work.Cancellation);
        }
        await work.Node.DeleteAsync(deployment, [], work.Cancellation);
        return () =>
        {
            work.Done();
            return Task.CompletedTask;
        };
    }

    private static MachineStop StopOf(Work work) => new()
    {
        Deployment = work.Machine.Deployment,
        Machine = work.Machine.Machine,
        Signal = work.Parsed.GetValue(s_stopSignal),
        GraceSeconds = work.Parsed.GetValue(s_grace),
    };

    private static async Task RestAsync(Work work)
    {
        await MachineWait.UntilAtRestAsync(work.Node, work.Machine, work.Cancellation);
        work.Done();
    }

    /// <summary>One machine of a command line.</summary>
    private sealed record Work(Session Session, ParseResult Parsed, NodeClient Node, string Name, MachineName Machine)
    {
        public CancellationToken Cancellation => Session.Cancellation;

        /// <summary>Says so, in the word it was asked for.</summary>
        public void Done()
        {
            if (!Session.TryWriteJson(Machine, BusJson.Default.MachineName))
                Session.Terminal.Out.WriteLine(Name);
        }
    }
}
