using ZeroOS.Contracts.Monitor;

namespace ZeroOS.Host.Machines;

/// <summary>Why a machine ended, in one line for people.</summary>
internal static class MachineReason
{
    private const int SerialLines = 3, SerialCharacters = 400;

    internal static string Explain(MonitorExit? exit, int? signal, MachineRecord record, string? lastWords, SerialLog serial)
    {
        if (record.Failed is { } failure)
            return $"setting up {failure.Stage} failed: {failure.Message}";
        if (record.Exited is { } exited)
        {
            return exited.OutOfMemory ? "the workload ran out of memory"
                : exited.Signal > 0 ? $"the workload was ended by signal {exited.Signal}"
                : $"the workload exited with code {exited.Code}";
        }
        string what = exit switch
        {
            MonitorExit.PoweredOff => "the guest powered off",
            MonitorExit.Reset => "the guest asked for a reset",
            MonitorExit.Killed => "the machine was killed",
            MonitorExit.TripleFault => "a processor of the guest crashed (triple fault)",
            MonitorExit.GuestPanic => "the guest kernel panicked",
            MonitorExit.KvmError => "the host's KVM could not go on",
            MonitorExit.BadConfig => "the monitor refused its configuration",
            MonitorExit.MonitorFault => "the monitor failed",
            null when signal == 9 => "the machine was killed, or the host was short of memory",
            null when signal == 31 => "the monitor made a system call that is forbidden to it",
            null => $"the monitor was ended by signal {signal}",
            _ => $"the monitor ended with code {(int)exit}",
        };
        string said = serial.LastLines(SerialLines, SerialCharacters);
        return $"{what}{(string.IsNullOrEmpty(lastWords) ? "" : $": {lastWords}")}{(said.Length == 0 ? "" : $"; it last said: {said}")}";
    }
}
