namespace ZeroOS.Guest.Users;

/// <summary>The workload's environment: what the spec says, the last of a name counting, and what every Linux program expects where it says nothing.</summary>
internal static class WorkloadEnvironment
{
    /// <summary>Where programs are looked for when the image does not say; Docker's.</summary>
    internal const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    internal static IReadOnlyList<string> Build(IReadOnlyList<string> given, string home, string hostname)
    {
        List<string> names = [], lines = [];
        foreach (string line in (IEnumerable<string>)[$"PATH={DefaultPath}", $"HOSTNAME={hostname}", $"HOME={home}", .. given])
        {
            string name = line.Split('=', 2)[0];
            int at = names.IndexOf(name);
            if (at < 0)
            {
                names.Add(name);
                lines.Add(line);
            }
            else
            {
                lines[at] = line;
            }
        }
        return lines;
    }

    /// <summary>Candidates for a program's path: itself when it has a slash, else in each directory of PATH.</summary>
    internal static IEnumerable<string> Candidates(string program, IReadOnlyList<string> environment)
    {
        if (program.Contains('/'))
            return [program];
        string path = environment.FirstOrDefault(e => e.StartsWith("PATH=", StringComparison.Ordinal))?[5..] ?? DefaultPath;
        return path.Split(':').Select(d => d.Length == 0 ? "./" + program : $"{d}/{program}");
    }
}
