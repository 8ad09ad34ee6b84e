using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Engine.Store;
using ZeroOS.Tests.Bus;
using ZeroOS.Tests.Workloads;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Engine;

/// <summary>
/// Random messages, failures, deaths at every step and power cuts, from a seed; then everything heals, and what was acknowledged must be there, whole, with
/// nothing else beside it.
/// </summary>
public sealed class SimulationTests
{
    /// <summary>Seeds per case; more by the environment, for a night.</summary>
    private static readonly int s_runs = int.TryParse(Environment.GetEnvironmentVariable("ZEROOS_SIMULATIONS"), out int runs) ? runs : 2;

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(2000)]
    [InlineData(3000)]
    public void Whatever_happens_what_was_acknowledged_is_there_in_the_end(int firstSeed)
    {
        for (int seed = firstSeed; seed < firstSeed + s_runs; seed++)
            new Run(seed).Play();
    }

    private sealed class Run(int seed)
    {
        private readonly Random _random = new(seed);
        // Every fourth node has a second disk, and every second death takes the first.
        private readonly EngineBench _bench = new(seed, hasCopy: seed % 4 == 0);
        private readonly Dictionary<string, Deployment?> _acknowledged = [];
        private readonly Dictionary<string, HashSet<string>> _doubtful = [];
        private readonly HashSet<WorkloadId> _promised = [];
        // Starts before a restart that was acknowledged, of machines that nothing was wanted of since.
        private readonly Dictionary<string, int> _restarted = [];
        private int _deaths;

        public void Play()
        {
            using EngineBench bench = _bench;
            bench.Grant(EngineBench.Alice);
            bench.World.ObeysAtOnce = false;
            for (int step = 0; step < 60; step++)
            {
                bench.World.FailChance = _random.Next(3) == 0 ? 0.2 : 0;
                bench.World.DeathChance = _random.Next(2) == 0 ? 0.04 : 0;
                bench.Store.Fault = _ => bench.World.MaybeDie();
                try
                {
                    Step();
                    for (int i = 0; i < 3; i++)
                        bench.Engine.Pass(EngineBench.Alice);
                }
                catch (DeathException)
                {
                    ComeBack();
                }
                Assert.True(bench.World.Violations.Count == 0,
                    $"seed {seed}, step {step}: {string.Join("; ", bench.World.Violations)}\n{string.Join("\n", bench.World.Calls.TakeLast(30))}");
            }
            Heal();
            Check();
        }

        private void Step()
        {
            string name = "d" + _random.Next(3);
            switch (_random.Next(13))
            {
                case < 5:
                    Apply(name);
                    break;
                case 5:
                    Delete(name);
                    break;
                case 6 when _bench.World.Machines.Count > 0:
                    _bench.World.End(_bench.World.Machines.Keys.ElementAt(_random.Next(_bench.World.Machines.Count)), _random.Next(3));
                    break;
                case 7:
                    _bench.Time.Advance(TimeSpan.FromSeconds(_random.Next(90)));
                    break;
                case 8:
                    Switch(name);
                    break;
                case 10 when _bench.World.Machines.Count > 0:
                    _bench.World.Report(_bench.World.Machines.Keys.ElementAt(_random.Next(_bench.World.Machines.Count)), (HealthState)_random.Next(3));
                    break;
                case 9:
                    _bench.World.Die();
                    throw new DeathException();
                default:
                    _bench.World.Obey();
                    break;
            }
        }

        private void Apply(string name)
        {
            DeploymentStatus? now = _bench.Handlers.Deployments.List(Asked.By(EngineBench.Alice)).Deployments.FirstOrDefault(d => d.Deployment.Name == name);
            Deployment wanted = Random(name, (now?.Deployment.Version ?? 0) + 1);
            (_doubtful[name] = []).Add(Text(wanted));
            try
            {
                _bench.Apply(wanted);
            }
            catch (BusErrorException)
            {
                _doubtful.Remove(name);
                return;
            }
            Acknowledge(name, wanted);
        }

        private void Acknowledge(string name, Deployment? wanted)
        {
            _doubtful.Remove(name);
            _restarted.Remove(name);
            _acknowledged[name] = wanted;
            foreach (ZmountWorkload volume in wanted?.Workloads.OfType<ZmountWorkload>() ?? [])
            {
                _promised.Add(new WorkloadId(EngineBench.Alice, name, volume.Name));
                _bench.World.MayBeDestroyed.Remove(new WorkloadId(EngineBench.Alice, name, volume.Name));
            }
        }

        private void Delete(string name)
        {
            IReadOnlyList<string> volumes = _random.Next(2) == 0 ? []
                : [.. _bench.Handlers.Volumes.List(Asked.By(EngineBench.Alice)).Volumes.Where(v => v.Deployment == name).Select(v => v.Name).Take(1)];
            foreach (string volume in volumes)
            {
                _bench.World.MayBeDestroyed.Add(new WorkloadId(EngineBench.Alice, name, volume));
                _promised.Remove(new WorkloadId(EngineBench.Alice, name, volume));
            }
            (_doubtful[name] = []).Add("");
            try
            {
                _bench.Handlers.Deployments.Delete(Asked.By(EngineBench.Alice), new DeploymentDelete { Name = name, Volumes = volumes });
                Acknowledge(name, null);
            }
            catch (BusErrorException)
            {
                _doubtful.Remove(name);
            }
        }

        private void Switch(string name)
        {
            MachineStop stop = new()
            {
                Deployment = name,
                Machine = "m0",
                Signal = _random.Next(2) == 0 ? "INT" : null,
                GraceSeconds = _random.Next(2) == 0 ? _random.Next(3) : null,
            };
            _restarted.Remove(name);
            try
            {
                switch (_random.Next(5))
                {
                    case 0:
                        _bench.Handlers.Machines.Stop(Asked.By(EngineBench.Alice), stop);
                        break;
                    case 1:
                        MachineKill kill = new() { Deployment = name, Machine = "m0", Signal = _random.Next(2) == 0 ? "KILL" : "USR1" };
                        _bench.Handlers.Machines.Kill(Asked.By(EngineBench.Alice), kill, default).GetAwaiter().GetResult();
                        break;
                    case 2:
                        _bench.Handlers.Machines.Start(Asked.By(EngineBench.Alice), new MachineName { Deployment = name, Machine = "m0" });
                        break;
                    default:
                        int before = _bench.Store.Workload(new WorkloadId(EngineBench.Alice, name, "m0"))?.Starts ?? 0;
                        _bench.Handlers.Machines.Restart(Asked.By(EngineBench.Alice), stop);
                        _restarted[name] = before;
                        break;
                }
            }
            catch (BusErrorException)
            {
                // No such machine just now, or it does not run: as good.
            }
        }

        private void ComeBack()
        {
            _deaths++;
            if (_random.Next(3) == 0)
                _bench.World.LosePower();
            else
                _bench.World.Revive();
            (_bench.World.FailChance, _bench.World.DeathChance) = (0, 0);
            _bench.Restart(firstDiskDied: _bench.HasCopy && _deaths % 2 == 0);
            // A message that died on the way was either done or not: nothing in between.
            foreach ((string name, HashSet<string> texts) in _doubtful.ToList())
            {
                DeploymentStatus? stored = _bench.Handlers.Deployments.List(Asked.By(EngineBench.Alice)).Deployments
                    .FirstOrDefault(d => d.Deployment.Name == name);
                string text = stored is null or { Deleting: true } ? "" : Text(stored.Deployment);
                string before = _acknowledged.GetValueOrDefault(name) is { } known ? Text(known) : "";
                bool went = text.Length == 0 && Goes(_acknowledged.GetValueOrDefault(name));
                Assert.True(text == before || went || texts.Contains(text), $"seed {seed}: {name} is half made:\n{text}\nneither\n{before}");
                if (text != before)
                    Acknowledge(name, text.Length == 0 ? null : stored!.Deployment);
                else
                    _doubtful.Remove(name);
            }
        }

        private void Heal()
        {
            if (_bench.World.Dead)      // where a step for itself alone ended with it
                ComeBack();
            (_bench.World.FailChance, _bench.World.DeathChance) = (0, 0);
            _bench.Store.Fault = null;
            for (int i = 0; i < 40; i++)
            {
                _bench.World.Obey();
                _bench.Engine.Pass(EngineBench.Alice);
                _bench.Time.Advance(TimeSpan.FromSeconds(61));
            }
        }

        private void Check()
        {
            string context = $"seed {seed}, {_deaths} deaths";
            FakeWorld world = _bench.World;
            Assert.True(world.Violations.Count == 0, $"{context}: {string.Join("; ", world.Violations)}");
            Dictionary<string, DeploymentStatus> stored = _bench.Handlers.Deployments.List(Asked.By(EngineBench.Alice)).Deployments
                .ToDictionary(d => d.Deployment.Name);
            IEnumerable<string> expected = _acknowledged.Where(a => a.Value is not null && (stored.ContainsKey(a.Key) || !Goes(a.Value))).Select(a => a.Key);
            Assert.True(stored.Keys.Order().SequenceEqual(expected.Order()), $"{context}: there is {string.Join(", ", stored.Values)}");
            // A volume taken out of a deployment before it was ever made is only a promise, with nothing in it to lose.
            HashSet<WorkloadId> networks = [], machines = [], disks = [.. _promised.Intersect(world.EverMade)];
            foreach ((string name, DeploymentStatus status) in stored)
            {
                Assert.Equal(Text(_acknowledged[name]!), Text(status.Deployment));
                Assert.Equal(status.Deployment.Workloads.Count, status.Workloads.Count);
                foreach (WorkloadStatus workload in status.Workloads)
                {
                    WorkloadId id = new(EngineBench.Alice, name, workload.Name);
                    Assert.True(workload.State is WorkloadState.Running or WorkloadState.Stopped or WorkloadState.Exited
                        || workload is { State: WorkloadState.Pending, Reason: "volume-in-use" },
                        $"{context}: {id} is {workload.State}, {workload.Reason}: {workload.Message}");
                    if (workload.Type == "network")
                        networks.Add(id);
                    if (workload.Type == "zmount")
                        Assert.True(world.Disks.ContainsKey(id), $"{context}: volume {id} is missing");
                    if (workload.Type == "zmachine" && workload.State == WorkloadState.Running)
                        machines.Add(id);
                    if (workload.Type == "zmachine")
                        CheckMachine(id, status.Deployment, context);
                    if (workload.Type == "zmachine" && world.Disks.ContainsKey(id with { Name = id.Name + ".root" }))
                        disks.Add(id with { Name = id.Name + ".root" });
                }
            }
            Assert.Equal(networks.OrderBy(n => n.Full), world.Networks.Keys.OrderBy(n => n.Full));
            Assert.Equal(machines.OrderBy(n => n.Full), world.Machines.Keys.OrderBy(n => n.Full));
            Assert.Equal(disks.OrderBy(n => n.Full), world.Disks.Keys.Except(world.MayBeDestroyed).OrderBy(n => n.Full));
            Assert.All(world.Cards, c => Assert.Contains(c.Machine, world.Machines.Keys));
            Assert.Equal(machines.Count, world.Served.Intersect(machines).Count());
            Assert.Empty(world.Unacknowledged);
            Assert.All(_restarted.Where(r => stored.ContainsKey(r.Key)), r => Assert.True(
                _bench.Store.Workload(new WorkloadId(EngineBench.Alice, r.Key, "m0")) is { } row && (row.Starts > r.Value || row.Reason == "volume-in-use"),
                $"{context}: {r.Key} was not started again"));
            Assert.Equal(0, _bench.Engine.StopWishes.Count);
            Assert.Equal(0, world.OpenDescriptors);
            Assert.Equal(_bench.Store.Ports().Select(p => p.Port), world.Published.Select(p => p.HostPort).Order());
            IReadOnlyList<NodeEvent> events = _bench.Store.Events(EngineBench.Alice, 0, int.MaxValue);
            Assert.Equal(events.Count, events.Select(e => e.Number).Distinct().Count());
            if (_bench.HasCopy)
                Assert.Equal(TestFolder.Rows(Path.Combine(_bench.Folder.Path, "engine.db")), TestFolder.Rows(_bench.Folder.CopyOfStore));
        }

        private void CheckMachine(WorkloadId id, Deployment deployment, string context)
        {
            ZmachineData data = deployment.Workloads.OfType<ZmachineWorkload>().Single(m => m.Name == id.Name).Data;
            WorkloadRow row = _bench.Store.Workload(id)!;
            // Who was never started may have its ports or not: it may have been stopped again before it ran.
            if (data.Run != false || row.Starts > 0 || !row.Stopped)
                Assert.All(data.Publish, p => Assert.Equal(id, _bench.Store.PortOwner(p.Protocol, p.Host)));
            int over = row.Starts - (row.Live ? 1 : 0);
            Assert.Equal(Enumerable.Range(0, Math.Min(over, MachineRun.Kept)).Select(n => over - n),
                _bench.Store.Runs(id.Tenant, id.Deployment)[id.Name].Select(r => r.Number));
            Assert.InRange(row.Restarts, 0, data.MaxRestarts ?? int.MaxValue);
            Assert.False(Goes(deployment) && row.State == WorkloadState.Exited, $"{context}: {id} has ended, and its deployment is there");
        }

        /// <summary>It may be gone without anybody having said so.</summary>
        private static bool Goes(Deployment? deployment) =>
            deployment?.Workloads.OfType<ZmachineWorkload>().Any(m => m.Data.Remove == RemovePolicy.OnExit) == true;

        private Deployment Random(string name, int version)
        {
            List<Workload> workloads = [];
            int networks = _random.Next(1, 3), volumes = _random.Next(3), machines = _random.Next(3);
            for (int i = 0; i < networks; i++)
            {
                NetworkData data = new() { Range = $"10.{i}.{_random.Next(2)}.0/24", Internal = i == 1 && _random.Next(3) == 0 };
                workloads.Add(new NetworkWorkload { Name = $"n{i}", Data = data });
            }
            for (int i = 0; i < volumes; i++)
                workloads.Add(new ZmountWorkload { Name = $"v{i}", Data = new ZmountData { Size = new ByteSize(_random.Next(1, 4) * (1L << 30)) } });
            for (int i = 0; i < machines; i++)
            {
                RestartPolicy policy = (RestartPolicy)_random.Next(3);
                workloads.Add(new ZmachineWorkload
                {
                    Name = $"m{i}",
                    Data = new ZmachineData
                    {
                        Flist = new FlistReference { Reference = "r.example/i", Digest = EngineBench.Digest("abc"[_random.Next(3)]) },
                        Memory = new ByteSize(64L << 20),
                        Mounts = [.. Enumerable.Range(0, volumes).Where(v => v % Math.Max(1, machines) == i)
                            .Select(v => $"v{v}").Concat(Foreign(name, "v0")).Select(v => new MachineMount { Volume = v, Path = $"/{v}" })],
                        Networks = [.. Enumerable.Range(0, networks).Where(_ => _random.Next(2) == 0).Select(n => $"n{n}").Concat(Foreign(name, "n0"))
                            .Select(n => new MachineNetwork { Network = n })],
                        Restart = policy,
                        MaxRestarts = policy == RestartPolicy.OnFailure && _random.Next(2) == 0 ? _random.Next(1, 4) : null,
                        Run = _random.Next(4) switch { 0 => false, 1 => true, _ => null },
                        Remove = machines == 1 && _random.Next(3) == 0 ? RemovePolicy.OnExit : null,
                        Health = _random.Next(2) == 0 ? null : new HealthCheck { Shell = "check", OnUnhealthy = (UnhealthyAction)_random.Next(2) },
                    },
                });
                if (workloads[^1] is ZmachineWorkload { Data.Networks.Count: > 0 } machine)
                    workloads[^1] = machine with
                    {
                        Data = machine.Data with
                        {
                            Publish = [new PublishedPort
                            {
                                Host = 30000 + (int.Parse(name[1..], System.Globalization.CultureInfo.InvariantCulture) * 10) + i,
                                Guest = 80
                            }]
                        }
                    };
            }
            return new Deployment { Name = name, Version = version, Workloads = workloads };
        }

        // Now and then a part of another deployment: one that may not be there, or not fit.
        private IEnumerable<string> Foreign(string name, string part)
        {
            string other = "d" + _random.Next(3);
            return other != name && _random.Next(4) == 0 ? [$"{other}/{part}"] : [];
        }

        private static string Text(Deployment deployment) => System.Text.Json.JsonSerializer.Serialize(deployment, BusJson.Default.Deployment);
    }
}
