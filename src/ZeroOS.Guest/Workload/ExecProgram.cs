namespace ZeroOS.Guest.Workload;

/// <summary>A program that runs beside the workload, with zguest's ends of its input and output.</summary>
internal sealed record ExecProgram(Child Child, ExecStreams Streams);
