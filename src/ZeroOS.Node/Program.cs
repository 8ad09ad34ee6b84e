using ZeroOS.Host.Processes;
using ZeroOS.Images.Fetch;
using ZeroOS.Init;
using ZeroOS.Init.Jail;
using ZeroOS.Linux;
using ZeroOS.Node.Doors;

namespace ZeroOS.Node;

/// <summary>One binary, five roles; each is a process of its own with its own enemy (docs/architecture.md).</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        // The kernel runs /init as process 1 with words of its command line as arguments; those are not ours. A jail's first process is number 1 of its
        // own namespace, but is started under another name.
        if (CurrentThread.ProcessId == 1 && Environment.GetCommandLineArgs()[0] == "/init")
            return InitProcess.Run();
        return arguments.FirstOrDefault() switch
        {
            "enter" => Enter.Run(arguments[1..]),
            "fetch" => FetchRole.Run(arguments[1..]),
            "door" => DoorRole.Run(),
            "node" => NodeRole.Run(InitConnection.FromInit()),
            _ => 2,
        };
    }
}
