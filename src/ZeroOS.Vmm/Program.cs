using System.Globalization;
using System.Text;

using ZeroOS.Contracts.Monitor;
using ZeroOS.Linux;
using ZeroOS.Vmm.Boot;
using ZeroOS.Vmm.Control;
using ZeroOS.Vmm.Kvm;
using ZeroOS.Vmm.Sandbox;

namespace ZeroOS.Vmm;

/// <summary>
/// zvmm CONFIG-DESCRIPTOR: one process, one guest. Exits with a <see cref="MonitorExit"/> and, unless the guest ended as it should, one line on descriptor 2.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        (MonitorExit exit, string reason) = Run(arguments);
        if (exit != MonitorExit.PoweredOff)
            Complain($"zvmm: {reason}\n");
        return (int)exit;
    }

    private static (MonitorExit Exit, string Reason) Run(string[] arguments)
    {
        try
        {
            if (arguments.Length != 1 || !int.TryParse(arguments[0], NumberStyles.None, CultureInfo.InvariantCulture, out int descriptor))
                return (MonitorExit.BadConfig, "usage: zvmm CONFIG-DESCRIPTOR");
            VmConfig config;
            using (FileDescriptor file = new(descriptor))
                config = ConfigReader.Read(file);
            // Not disposed: closing KVM's descriptors takes long on some hosts, and the end of the process does it beside us.
            MonitorSandbox sandbox = new();
            Machine machine = Machine.Build(config, sandbox.SealProcessor);
            sandbox.SealProcess();
            return machine.Run();
        }
        catch (Exception e) when (e is ConfigException or BootException)
        {
            return (MonitorExit.BadConfig, e.Message);
        }
        catch (KvmException e)
        {
            return (MonitorExit.KvmError, e.Message);
        }
        catch (Exception e)
        {
            return (MonitorExit.MonitorFault, $"{e.GetType().Name}: {e.Message}");
        }
    }

    private static void Complain(string line)
    {
        const int StandardError = 2;
        using FileDescriptor error = new(StandardError);
        _ = error.TryWrite(Encoding.UTF8.GetBytes(line), out _);
    }
}
