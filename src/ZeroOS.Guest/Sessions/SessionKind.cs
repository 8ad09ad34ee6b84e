using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Sessions;
using ZeroOS.Guest.Workload;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Sessions;

/// <summary>What a session of one kind is in a guest.</summary>
/// <param name="Channels">How many it has from its beginning.</param>
/// <param name="MakeOrders">Makes what holds the client's words.</param>
/// <param name="Run">Runs one session, and says why it is over.</param>
internal sealed record SessionKind(int Channels, Func<SessionOrders> MakeOrders, Func<SessionLink, SessionOrders, SessionEnd> Run)
{
    /// <summary>It ends by itself when the workload has; every other is ended.</summary>
    internal bool OutlivesWorkload { get; init; }

    private const int CopyChannels = 2, ProcessesChannels = 2;

    /// <summary>The kinds there are, by name.</summary>
    /// <param name="workload">What clients that attach have of the workload.</param>
    /// <param name="start">Starts a program beside the workload.</param>
    /// <param name="openRoot">Opens the workload's root as its first process sees it; null when it has ended.</param>
    /// <param name="spoolFolder">On the disk on which the workload writes.</param>
    internal static IReadOnlyDictionary<string, SessionKind> All(WorkloadStreams workload, StartProgram start, Func<RootedDirectory?> openRoot,
        string spoolFolder)
    {
        CopyPlaces places = new(openRoot);
        Places windows = new(SessionOrders.LargeWindows), connections = new(ForwardSession.MostOfMachine);
        return new Dictionary<string, SessionKind>
        {
            [SessionKinds.Exec] = Exec(start, windows),
            [SessionKinds.Attach] = Attach(workload, windows, new Places(AttachSession.MostOfMachine)),
            [SessionKinds.CopyOut] = Begun(CopyChannels, static () => new SessionOrders(),
                (link, orders, body) => places.Run(body, link, (root, begin) => new CopyOutSession(link, orders).Run(root, begin))),
            [SessionKinds.CopyIn] = Begun(CopyChannels, () => new SessionOrders(windows),
                (link, orders, body) => places.Run(body, link, (root, begin) => new CopyInSession(link, orders, spoolFolder).Run(root, begin))),
            [SessionKinds.Forward] = Forward(connections),
            [SessionKinds.Processes] = Processes(WorkloadProcesses.Read),
        };
    }

    /// <summary>A program beside the workload.</summary>
    internal static SessionKind Exec(StartProgram start, Places windows) => Begun(ExecOrders.Channels, () => new ExecOrders(windows),
        (link, orders, body) => new ExecSession(link, orders, start).Run(body));

    /// <summary>The workload itself, which has <paramref name="places"/> for all clients.</summary>
    internal static SessionKind Attach(WorkloadStreams workload, Places windows, Places places) => Begun(ExecOrders.Channels, () => new ExecOrders(windows),
        (link, orders, body) => new AttachSession(link, orders, workload, places).Run(body)) with
    {
        OutlivesWorkload = true,
    };

    /// <summary>Connections to programs in the machine, which has <paramref name="places"/> for all its sessions.</summary>
    internal static SessionKind Forward(Places places) => Begun(0, static () => new ForwardOrders(),
        (link, orders, body) => new ForwardSession(link, orders, places).Run(body));

    /// <summary>What runs in the machine, as <paramref name="read"/> finds it.</summary>
    internal static SessionKind Processes(Func<IEnumerable<ProcessEntry>> read) => Begun(ProcessesChannels, static () => new SessionOrders(),
        (link, orders, body) => new ProcessesSession(link, orders, read).Run(body));

    /// <summary>Every session of it is over at once, for this reason.</summary>
    internal static SessionKind Refusing(SessionCloseReason reason, string sentence) =>
        new(1, static () => new SessionOrders(), (_, _) => new SessionEnd(reason, sentence));

    private static SessionKind Begun<T>(int channels, Func<T> make, Func<SessionLink, T, byte[], SessionEnd> run) where T : SessionOrders =>
        new(channels, make, (link, orders) => orders.WaitForBegin(link) is { } body
            ? run(link, (T)orders, body)
            : link.Over ?? new SessionEnd(SessionCloseReason.TimedOut, "nothing was asked for in time"));
}
