using System.Globalization;

using ZeroOS.Contracts.Deployments;

namespace ZeroOS.Cli.Output;

/// <summary>The runs of machines that are over, as people read them; nothing where there are none.</summary>
internal static class RunsTable
{
    public static void Write(TextWriter output, IReadOnlyList<WorkloadStatus> workloads)
    {
        Table table = new("MACHINE", "RUN", "STARTED", "ENDED", "CODE", "SIGNAL", "REASON");
        bool isEmpty = true;
        foreach (WorkloadStatus machine in workloads)
        {
            foreach (MachineRun run in machine.Runs ?? [])
            {
                table.Add(machine.Name, Number(run.Number), Time(run.StartedAt), Time(run.EndedAt), Number(run.ExitCode), Number(run.Signal),
                    run.OutOfMemory && run.Reason != "out-of-memory" ? $"{run.Reason}, out of memory" : run.Reason);
                isEmpty = false;
            }
        }
        if (isEmpty)
            return;
        output.WriteLine();
        table.Write(output);
    }

    private static string Number(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "-";

    private static string Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) ?? "-";
}
